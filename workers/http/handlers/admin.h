/* What the administrative addresses have in common: who acts, under which key, on which connection,
 * and the page of a list. Admins only come here (the route table sees to that). */
#ifndef MSP_HTTP_ADMIN_H
#define MSP_HTTP_ADMIN_H

#include "../idempotency.h"
#include "../response.h"

#include "msp/audit_store.h"
#include "msp/json_writer.h"

#include <jansson.h>

struct msp_admin_call {
    json_t *body; /* an object, {} if none was sent */
    struct msp_db *db;
    struct msp_actor actor;
    struct msp_idempotency idempotency;
    int64_t deadline_ms;
};

/*
 * Reads the body, which may have only `members` (closed by NULL), and takes a connection. On
 * failure everything is given back. A call that was made ends with msp_admin_end.
 */
enum msp_result msp_admin_begin(const struct msp_request *request, const char *const members[],
                                struct msp_admin_call *out, struct msp_error *error) MSP_MUST_CHECK;

/* Gives connection and body back. */
void msp_admin_end(const struct msp_request *request, struct msp_admin_call *call);

/* A role of the body: absent leaves *out. MSP_INVALID for a text that is none. */
enum msp_result msp_admin_role(const json_t *body, enum msp_role *out,
                               struct msp_error *error) MSP_MUST_CHECK;

/* The member `active`: absent leaves *out, else 0 or 1. */
enum msp_result msp_admin_active(const json_t *body, int *out,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* A required text. */
enum msp_result msp_admin_text(const json_t *body, const char *name, const char **out,
                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * The end of a change that was made: waits until this node knows it, marks a replay and returns
 * `status`. The caller has written the body.
 */
int msp_admin_answer(const struct msp_request *request, struct msp_response *response,
                     const struct msp_admin_call *call, int status);

/* Starts a JSON object as the answer. */
void msp_admin_json(struct msp_response *response, struct msp_json_writer *json);

#endif
