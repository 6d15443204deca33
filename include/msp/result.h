/*
 * How a function says what became of its work: a result word, and an error
 * record that the caller owns. Parts of the program report with these; only
 * main loops and the router log.
 */
#ifndef MSP_RESULT_H
#define MSP_RESULT_H

#define MSP_MUST_CHECK      __attribute__((warn_unused_result))
#define MSP_PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))

enum msp_result {
    MSP_OK = 0,
    MSP_INVALID,      /* the input is wrong; the same input fails again */
    MSP_UNAUTHORISED, /* no credential, or not a good one */
    MSP_FORBIDDEN,    /* a good credential that may not do this */
    MSP_NOT_FOUND,
    MSP_CONFLICT,    /* the input is right but does not fit what is stored */
    MSP_TOO_LARGE,   /* over a stated limit */
    MSP_BUSY,        /* our own capacity is used up; try again soon */
    MSP_UNAVAILABLE, /* something we depend on does not answer; try again */
    MSP_TIMED_OUT,   /* the deadline passed first */
    MSP_CANCELLED,   /* somebody asked us to stop */
    MSP_NO_MEMORY,
    MSP_BROKEN, /* a fault of ours or of what we stored */
};

/*
 * Filled on failure only. `code` is a stable word for programs
 * ("ticket_status_unknown"), `detail` one sentence for people that says what
 * happened and what to do, `pointer` an RFC 6901 JSON pointer to the member at
 * fault or empty. Never holds a secret.
 */
struct msp_error {
    enum msp_result result;
    char code[48];
    char pointer[192];
    char detail[512];
};

/* Fills *error (which may be NULL) and returns `result`, so that a caller can `return msp_fail(…)`.
 */
enum msp_result msp_fail(struct msp_error *error, enum msp_result result, const char *code,
                         const char *format, ...) MSP_PRINTF(4, 5);

/* The same with a JSON pointer to the member at fault. */
enum msp_result msp_fail_at(struct msp_error *error, enum msp_result result, const char *code,
                            const char *pointer, const char *format, ...) MSP_PRINTF(5, 6);

/* The word of a result, for logs: "timed out". Static storage. */
const char *msp_result_name(enum msp_result result);

#endif
