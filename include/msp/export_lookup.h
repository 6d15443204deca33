/* One export on record, for those who want to read its file. */
#ifndef MSP_EXPORT_LOOKUP_H
#define MSP_EXPORT_LOOKUP_H

#include "msp/export_store.h"

/* MSP_NOT_FOUND "export_unknown" for unknown, foreign and malformed ids alike. */
enum msp_result msp_export_find(struct msp_db *db, int64_t tenant_id, const char *id,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_export_file *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* The whole dataset, as plain CSV unless only another format is kept up to date: MSP_NOT_FOUND if
 * it was never exported. */
enum msp_result msp_export_latest(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                  struct msp_arena *arena, int64_t deadline_ms,
                                  struct msp_export_file *out,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
