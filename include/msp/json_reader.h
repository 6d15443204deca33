/*
 * The only door to jansson's parser. A linear scan with no recursion first
 * bounds depth and element count, because jansson recurses on the thread's
 * stack and spends up to 80 bytes of heap a byte of input (Debian 2.14-2).
 */
#ifndef MSP_JSON_READER_H
#define MSP_JSON_READER_H

#include "msp/result.h"

#include <jansson.h>
#include <stddef.h>

struct msp_json_limits {
    size_t max_bytes;
    unsigned max_depth;    /* arrays and objects inside one another */
    unsigned max_elements; /* values, counted by commas, colons and opening brackets */
};

/* Depth 32, 256 KiB, 20,000 elements: what a request body may be. */
extern const struct msp_json_limits msp_json_request_limits;

/* Seeds jansson's hash tables. Call once in a process, before its threads start. */
void msp_json_init(void);

/* MSP_INVALID or MSP_TOO_LARGE if `text` may not be given to the parser. Does not judge its
 * grammar. */
enum msp_result msp_json_scan(const char *text, size_t length, const struct msp_json_limits *limits,
                              struct msp_error *error) MSP_MUST_CHECK;

/*
 * Scans, then parses strictly: UTF-8, no duplicate members, no NUL, nothing
 * behind the value; objects and arrays only. *out_json is a new reference that
 * the caller drops with json_decref.
 */
enum msp_result msp_json_parse(const char *text, size_t length,
                               const struct msp_json_limits *limits, json_t **out_json,
                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * Refuses an object that has members other than those in `names` (closed by
 * NULL): MSP_INVALID, code "unknown_member", pointer to the first stranger.
 */
enum msp_result msp_json_only_members(const json_t *object, const char *const names[],
                                      struct msp_error *error) MSP_MUST_CHECK;

#endif
