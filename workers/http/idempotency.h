/*
 * The Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header-06). A handler that
 * changes something reads the key, hands it to the store that makes the change in one transaction
 * with the key's record, and marks what it answers. Keys hold for 24 hours, for one tenant, caller
 * and route. There is no copy in Redis: a start asks PostgreSQL in any case, in one round trip.
 */
#ifndef MSP_HTTP_IDEMPOTENCY_H
#define MSP_HTTP_IDEMPOTENCY_H

#include "msp/idempotency.h"
#include "request.h"
#include "response.h"

/*
 * Fills *out if the request has a key; without one *out_given is false. Behind msp_input_body, for
 * the body is part of the fingerprint. MSP_INVALID "idempotency_key_malformed".
 */
enum msp_result msp_idempotency_read(const struct msp_request *request, struct msp_idempotency *out,
                                     bool *out_given, struct msp_error *error) MSP_MUST_CHECK;

/* Says in the answer that it tells of what was done before, if it does. */
void msp_idempotency_mark(const struct msp_idempotency *idempotency, struct msp_response *response);

/* For msp_input_body: makes the parsed body part of the request's fingerprint. MSP_NO_MEMORY. */
enum msp_result msp_idempotency_note_body(const struct msp_request *request, const json_t *body,
                                          struct msp_error *error) MSP_MUST_CHECK;

/*
 * The key in a field's value: an RFC 8941 string, or its bare characters as most clients send them;
 * 1 to 255 of printable ASCII. False for anything else. `out` has MSP_IDEMPOTENCY_KEY_BYTES.
 */
bool msp_idempotency_parse_key(const char *value, char *out) MSP_MUST_CHECK;

#endif
