/*
 * The kinds of systems tickets can be pulled from, and what a person must say to connect one: one
 * row each. How each is read is the job worker's business (workers/jobs/sources); here is what the
 * command line, the administration routes and the documentation need to know.
 */
#ifndef MSP_SOURCE_KINDS_H
#define MSP_SOURCE_KINDS_H

#include "msp/buffer.h"
#include "msp/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum msp_source_option_type {
    MSP_SOURCE_TEXT,   /* 1 to 400 characters */
    MSP_SOURCE_URL,    /* http or https, as msp_egress_url_parse reads it, no query */
    MSP_SOURCE_NUMBER, /* an integer from 0 on */
    MSP_SOURCE_WORDS,  /* an object of texts: {"Waiting for customer": "pending"} */
    MSP_SOURCE_OBJECT, /* an object; its source checks what is inside when it is opened */
};

struct msp_source_option {
    const char *name; /* "company"; NULL closes a list */
    enum msp_source_option_type type;
    bool is_required;
    bool is_secret;       /* kept encrypted, never shown again */
    const char *fallback; /* what holds when it is not given, for people; NULL: nothing */
    const char *help;     /* one line: what it is and where its user finds it */
};

struct msp_source_kind {
    const char *name;  /* as in tenants.source: "connectwise" */
    const char *title; /* "ConnectWise PSA" */
    const struct msp_source_option *options;
};

/* Options that every kind but the mock takes: status_map, priority_map, overlap_seconds,
 * requests_per_minute. Closed by a row without name. */
extern const struct msp_source_option msp_source_common_options[];

const struct msp_source_kind *msp_source_kind_find(const char *name); /* NULL if there is none */
const struct msp_source_kind *msp_source_kind_at(size_t index);       /* NULL behind the last */

/* Appends a page of Markdown about all kinds and their options. */
void msp_source_kinds_markdown(struct msp_buffer *out);

/*
 * Checks what a person gave for a kind and parts it: *out_settings and *out_secrets are new
 * references to objects. MSP_INVALID with a pointer to the member at fault: unknown, missing,
 * of the wrong type. Never repeats a secret.
 */
enum msp_result msp_source_kind_check(const struct msp_source_kind *kind, const json_t *given,
                                      json_t **out_settings, json_t **out_secrets,
                                      struct msp_error *error) MSP_MUST_CHECK;

#endif
