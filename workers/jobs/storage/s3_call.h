/* One signed call to the service, for s3_client.c and s3_upload.c. */
#ifndef MSP_S3_CALL_H
#define MSP_S3_CALL_H

#include "storage/s3_client.h"

struct s3_call {
    const char *method;
    const char *key;   /* below the client's prefix; NULL for the bucket itself */
    const char *query; /* in canonical form: encoded, sorted, "=" after each name; NULL for none */
    const char *const *fields;
    const struct msp_s3_body *body; /* NULL: none */
    bool (*sink)(void *context, const void *bytes, size_t size);
    void *context; /* of the sink */
    struct msp_egress_field *wanted;
    size_t wanted_count;
    int64_t deadline_ms; /* of all tries; 0: none but theirs */
    int64_t own_ms;      /* of a try; 0: by the size of what is sent */
    bool is_patient;     /* the service may take long to answer */
    bool is_last_word;   /* made once, and also while stopping */
};

/*
 * Makes the call, again where that may help: each is one that may be made twice. MSP_OK gives an
 * answer of any status below 500 but 429; the caller calls msp_egress_response_done. A call with a
 * sink is made once, since it may have taken bytes.
 */
enum msp_result msp_s3_perform(const struct msp_s3_client *client, const struct s3_call *call,
                               struct msp_egress_response *out,
                               struct msp_error *error) MSP_MUST_CHECK;

/* MSP_OK for a 2xx; the failure that any other status means, with what to do. */
enum msp_result msp_s3_judge(const struct msp_s3_client *client, const struct s3_call *call,
                             const struct msp_egress_response *response,
                             struct msp_error *error) MSP_MUST_CHECK;

/* msp_s3_perform and msp_s3_judge for a call whose answer matters to nobody. */
enum msp_result msp_s3_do(const struct msp_s3_client *client, const struct s3_call *call,
                          struct msp_error *error) MSP_MUST_CHECK;

/* The text of an answer and its end, also when there is none. */
const char *msp_s3_text(const struct msp_egress_response *response, const char **out_end);

/* Copies the text of the first `<name>` at or after *at, its entities resolved, and moves *at
 * behind it. False if there is none or it does not fit. */
bool msp_s3_xml_text(const char **at, const char *end, const char *name, char *out, size_t size);

/* Appends `text` percent-encoded as a query value of the canonical form. */
bool msp_s3_encode(const char *text, bool keep_slashes, char *out, size_t size);

/* A pause between tries, `try` counted from 1; false when it was cut short by should_stop. */
bool msp_s3_pause(const struct msp_s3_client *client, int try);

#endif
