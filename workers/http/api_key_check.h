/* Programs by their API keys, against the credential cache. Asks no database. */
#ifndef MSP_HTTP_API_KEY_CHECK_H
#define MSP_HTTP_API_KEY_CHECK_H

#include "request.h"

#include "msp/shared_map.h"

/* The longest thing that is looked at as a key; the rest of a longer one changes nothing. */
#define MSP_BASIC_BYTES 128

/* What HTTP Basic (RFC 7617) carries. */
struct msp_basic {
    char user[MSP_BASIC_BYTES];
    char password[MSP_BASIC_BYTES];
};

/* Reads what follows "Basic "; false if it is not base64 of user:password or too long. */
bool msp_basic_parse(const char *text, struct msp_basic *out) MSP_MUST_CHECK;

/*
 * The caller by its key; `named` is the id it gave beside it, or NULL. MSP_UNAUTHORISED with one
 * code and one text, in nearly the same time, whether the key is malformed, unknown, revoked or
 * expired; another code if its tenant is disabled. MSP_UNAVAILABLE while no keys were loaded yet.
 */
enum msp_result msp_api_key_check(const struct msp_shared_map *shared, const char *text,
                                  const char *named, int64_t now_unix_us, struct msp_caller *out,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
