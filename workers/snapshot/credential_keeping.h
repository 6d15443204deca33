/* Keeps the credential cache as PostgreSQL has it, and carries uses of keys the other way. Part of
 * the snapshot keeper; logs, since it knows what was attempted. */
#ifndef MSP_CREDENTIAL_KEEPING_H
#define MSP_CREDENTIAL_KEEPING_H

#include "msp/credential_store.h"
#include "msp/shared_map.h"

struct credential_keeping {
    struct msp_credential_lists lists; /* as last published */
    uint32_t *noted;                   /* beside lists.keys: the minute of the use last written */
    bool published;
};

/* Reads and, if something changed or memory was damaged, publishes. What cannot be published is
 * logged and MSP_OK all the same: the old content stays. */
enum msp_result credential_keeping_read(struct credential_keeping *keeping, struct msp_db *db,
                                        const struct msp_shared_map *shared, int64_t deadline_ms,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* Writes the uses that were not written yet. */
enum msp_result credential_keeping_note_uses(struct credential_keeping *keeping, struct msp_db *db,
                                             const struct msp_key_uses *uses, int64_t deadline_ms,
                                             struct msp_error *error) MSP_MUST_CHECK;

void credential_keeping_done(struct credential_keeping *keeping);

#endif
