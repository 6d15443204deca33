/* The schema's history, built into the program, and bringing a database up to date with it. */
#ifndef MSP_MIGRATE_H
#define MSP_MIGRATE_H

#include "msp/result.h"

/* Called before each migration that is applied. */
typedef void (*msp_migrate_report)(void *context, const char *name);

/*
 * Applies what is missing, each migration in a transaction, under an advisory lock, recording
 * its SHA-256. Safe to repeat and to run twice at once. MSP_CONFLICT if an applied migration
 * has changed since or the database is newer than this program. `url` is the owner's login.
 */
enum msp_result msp_migrate(const char *url, msp_migrate_report report, void *context,
                            int *out_applied, struct msp_error *error) MSP_MUST_CHECK;

/* The number of the last migration this program knows. */
int msp_migrate_latest(void);

#endif
