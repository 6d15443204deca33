/* People who sign in, in PostgreSQL. An e-mail is the name of one, kept in lower case. */
#ifndef MSP_PEOPLE_STORE_H
#define MSP_PEOPLE_STORE_H

#include "msp/audit_store.h"
#include "msp/password.h"
#include "msp/role.h"
#include "msp/tenant_cache.h"

#define MSP_EMAIL_BYTES       128
#define MSP_PERSON_NAME_BYTES 601 /* 150 characters of UTF-8 and a NUL */

/* Lower case and checked: MSP_INVALID for what is no e-mail address. */
enum msp_result msp_people_email(const char *text, char out[MSP_EMAIL_BYTES],
                                 struct msp_error *error) MSP_MUST_CHECK;

/* ---- signing in and out, as msp_api ---- */

struct msp_sign_in {
    int64_t tenant_id;                  /* 0 for an admin */
    char tenant[MSP_TENANT_SLUG_BYTES]; /* slug; "" for an admin */
    enum msp_role role;
    char name[MSP_PERSON_NAME_BYTES];
    char password_hash[MSP_PASSWORD_HASH_BYTES]; /* "" = none was set */
    bool may_enter;                              /* neither the person nor the tenant is disabled */
    int64_t not_before_seconds; /* a token must say that it was issued no earlier */
};

/* Somebody unknown leaves *out cleared and is no failure. */
enum msp_result msp_people_find_sign_in(struct msp_db *db, const char *email, int64_t deadline_ms,
                                        struct msp_sign_in *out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* Ends one token (`digest`: MSP_NAME_DIGEST_BYTES of its id) on every node, and leaves a line. */
enum msp_result msp_people_end_token(struct msp_db *db, int64_t tenant_id,
                                     const unsigned char *digest, const struct msp_actor *actor,
                                     int64_t expires_seconds, int64_t deadline_ms,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* ---- administration, as msp_admin ---- */

struct msp_person {
    char email[MSP_EMAIL_BYTES];
    char name[MSP_PERSON_NAME_BYTES];
    char tenant[MSP_TENANT_SLUG_BYTES]; /* "" for an admin */
    enum msp_role role;
    bool active;
    bool has_password;
    int64_t created_us;
};

struct msp_person_order {
    const char *email;
    const char *name;
    const char *tenant; /* slug; NULL for an admin, and for nobody else */
    enum msp_role role;
    const char *password_hash; /* NULL: cannot sign in until one is set */
};

/* MSP_CONFLICT if the e-mail is taken, MSP_NOT_FOUND for the tenant, MSP_INVALID. */
enum msp_result msp_people_add(struct msp_db *db, const struct msp_person_order *order,
                               const struct msp_actor *actor, int64_t deadline_ms,
                               struct msp_person *out, struct msp_error *error) MSP_MUST_CHECK;

/* What is NULL, MSP_ROLE_NONE or -1 stays. */
struct msp_person_change {
    const char *name;
    enum msp_role role; /* within a tenant: not to or from admin */
    const char *password_hash;
    int active;
};

/* A new role, a new password and disabling end the person's tokens at once. MSP_NOT_FOUND. */
enum msp_result msp_people_change(struct msp_db *db, const char *email,
                                  const struct msp_person_change *change,
                                  const struct msp_actor *actor, int64_t deadline_ms,
                                  struct msp_person *out, struct msp_error *error) MSP_MUST_CHECK;

/* Up to `limit` people in the order of their e-mails, those behind `after` ("" = from the start),
 * of a tenant or (NULL) all. *out_people is malloc'ed and the caller's. */
enum msp_result msp_people_list(struct msp_db *db, const char *tenant, const char *after, int limit,
                                int64_t deadline_ms, struct msp_person **out_people,
                                size_t *out_count, struct msp_error *error) MSP_MUST_CHECK;

#endif
