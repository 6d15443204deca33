/* Whether PostgreSQL answers, and how much work waits in it. */
#ifndef MSP_HEALTH_STORE_H
#define MSP_HEALTH_STORE_H

#include "msp/db.h"
#include "msp/status_board.h"

/* One round trip. *out_jobs_queued counts to 100,000 at most, so that a look stays cheap. */
enum msp_result msp_health_look(struct msp_db *db, int64_t deadline_ms, int *out_jobs_queued,
                                struct msp_error *error) MSP_MUST_CHECK;

/* How fresh the tickets of each kind of source are, rows as in msp_source_kind_at. */
enum msp_result msp_health_sources(struct msp_db *db, int64_t deadline_ms,
                                   struct msp_board_source out[MSP_BOARD_SOURCES],
                                   struct msp_error *error) MSP_MUST_CHECK;

#endif
