/* The database as the commands for operators reach it: DATABASE_URL, one connection, bounded waits.
 */
#ifndef MSP_ADMIN_DATABASE_H
#define MSP_ADMIN_DATABASE_H

#include "command.h"

#include "msp/audit_store.h"
#include "msp/db.h"

/*
 * Loads the settings (DATABASE_URL required) and makes the connection object; the caller frees
 * *out_db. MSP_COMMAND_DONE, or the exit code of the command after a complaint.
 */
int msp_admin_database_open(const struct msp_invocation *invocation,
                            struct msp_settings *out_settings, struct msp_db **out_db);

/* The same for a command whose statements may take `statement_ms`. */
int msp_admin_database_open_for(const struct msp_invocation *invocation, int statement_ms,
                                struct msp_settings *out_settings, struct msp_db **out_db);

/* When a statement starting now must be answered (msp_clock_monotonic_ms). */
int64_t msp_admin_deadline_ms(void);

/* Who acts, for the audit log: "command line" and the user of this machine. Static storage, which
 * borrows from `settings`. */
const struct msp_actor *msp_admin_actor(const struct msp_settings *settings);

/* The database key of a tenant's slug; MSP_NOT_FOUND says which slug. */
enum msp_result msp_admin_tenant_id(struct msp_db *db, const char *slug, int64_t *out_id,
                                    struct msp_error *error) MSP_MUST_CHECK;

#endif
