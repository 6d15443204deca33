/* The audit log read: page by page, checked as a chain, and its lines erased. As msp_admin. */
#ifndef MSP_AUDIT_LOG_H
#define MSP_AUDIT_LOG_H

#include "msp/arena.h"
#include "msp/audit_chain.h"
#include "msp/audit_store.h"
#include "msp/json_writer.h"
#include "msp/tenant_cache.h"

/* The action of the line that tells that every line before it was blanked. */
#define MSP_AUDIT_TENANT_ERASE "tenant.erase"

/* Texts live in the arena given to the call; those of the payload are NULL in an erased line. */
struct msp_audit_row {
    int64_t id;
    const char *tenant; /* slug; NULL = of no tenant */
    int64_t at_us;
    const char *action;
    const char *actor;
    const char *address;
    const char *object;
    const char *request_id;
    const char *before; /* JSON */
    const char *after;  /* JSON */
    bool erased;
};

/* Which lines; what is NULL, 0 or MSP_NO_TIME asks for nothing. */
struct msp_audit_filter {
    int64_t tenant_id;
    int64_t from_us;   /* the first instant */
    int64_t before_us; /* the first one behind */
    const char *action;
    const char *actor;
    int64_t before_id; /* older than this line */
    int limit;
};

/* Newest first. */
enum msp_result msp_audit_list(struct msp_db *db, const struct msp_audit_filter *filter,
                               struct msp_arena *arena, int64_t deadline_ms,
                               struct msp_audit_row **out_rows, size_t *out_count,
                               struct msp_error *error) MSP_MUST_CHECK;

/* A line as an object, as GET /v1/audit and audit list --json show it. */
void msp_audit_row_write(struct msp_json_writer *writer, const struct msp_audit_row *row);

/* What became of checking one tenant's chain. */
struct msp_audit_verdict {
    char tenant[MSP_TENANT_SLUG_BYTES]; /* "" = the lines of no tenant */
    int64_t lines;                      /* that were found right */
    int64_t erased;                     /* of these */
    int64_t by_database_key;            /* of these: whoever owns the database could make them */
    int64_t older;                      /* lines from before the chain began: nothing is known */
    char head[2 * MSP_AUDIT_DIGEST_BYTES + 1]; /* MAC of the last right line, in hex */
    bool broken;
    int64_t broken_place; /* the first that is not right */
    int64_t broken_id;    /* 0 = there is no line */
    char fault[160];      /* what is wrong with it, one clause */
};

/*
 * Checks the chain of a tenant, or (NULL) of all and of none, and tells each verdict to `hear`. A
 * statement has `page_ms` to answer. MSP_NOT_FOUND for the tenant; a broken chain is no failure.
 */
typedef void (*msp_audit_hear)(void *context, const struct msp_audit_verdict *verdict);
enum msp_result msp_audit_verify(struct msp_db *db, const struct msp_audit_keys *keys,
                                 const char *tenant, int page_ms, msp_audit_hear hear,
                                 void *context, struct msp_error *error) MSP_MUST_CHECK;

/*
 * Blanks the payload of a line for ever and leaves a line about that. MSP_NOT_FOUND; MSP_CONFLICT
 * for a line that is blank already, is about an erasure, or is older than the chain.
 */
enum msp_result msp_audit_erase(struct msp_db *db, int64_t id, const struct msp_actor *actor,
                                int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

#endif
