/*
 * A tenant's data handed out whole, and erased: a tenant, or one person in it. As msp_admin. What
 * lies in the export storage is not reached from here (the job kind "erase").
 */
#ifndef MSP_ERASURE_STORE_H
#define MSP_ERASURE_STORE_H

#include "msp/audit_log.h"

#define MSP_ERASURE_COUNTS_BYTES 2048

/* Cancels every job of a tenant; *out_left have not ended yet. To be called until it is 0. */
enum msp_result msp_erasure_quiet(struct msp_db *db, int64_t tenant_id, int64_t deadline_ms,
                                  int64_t *out_left, struct msp_error *error) MSP_MUST_CHECK;

/*
 * Erases every row of a disabled tenant at rest, and its lines in the audit log, whose chain goes
 * on with one that tells of it. *counts is a JSON object: rows a table. Every node hears of it.
 * MSP_CONFLICT while the tenant is active or a job of it has not ended.
 */
enum msp_result msp_erasure_tenant(struct msp_db *db, int64_t tenant_id, const char *slug,
                                   const struct msp_actor *actor, int64_t deadline_ms,
                                   char counts[MSP_ERASURE_COUNTS_BYTES],
                                   struct msp_error *error) MSP_MUST_CHECK;

/* Takes the person of that name or e-mail out of a tenant's rows and audit lines; *counts as above.
 * The days are dirty afterwards, exported files as they were. */
enum msp_result msp_erasure_person(struct msp_db *db, int64_t tenant_id, const char *who,
                                   const struct msp_actor *actor, int64_t deadline_ms,
                                   char counts[MSP_ERASURE_COUNTS_BYTES],
                                   struct msp_error *error) MSP_MUST_CHECK;

/* Calls `table` with the name of each table that holds rows of the tenant and `row` with each of
 * its rows, a line of JSON that ends with a newline; false from either ends it (MSP_CANCELLED). All
 * of one moment. */
struct msp_tenant_copy {
    bool (*table)(void *context, const char *name);
    bool (*row)(void *context, const char *line, size_t length);
    void *context;
};
enum msp_result msp_tenant_copy_out(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_tenant_copy *copy, int idle_ms,
                                    struct msp_error *error) MSP_MUST_CHECK;

#endif
