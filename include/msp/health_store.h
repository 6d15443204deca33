/* Whether PostgreSQL answers, and how much work waits in it. */
#ifndef MSP_HEALTH_STORE_H
#define MSP_HEALTH_STORE_H

#include "msp/db.h"

/* One round trip. *out_jobs_queued counts to 100,000 at most, so that a look stays cheap. */
enum msp_result msp_health_look(struct msp_db *db, int64_t deadline_ms, int *out_jobs_queued,
                                struct msp_error *error) MSP_MUST_CHECK;

#endif
