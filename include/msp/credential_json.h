/* Keys and people as they are shown: the same members in /v1/admin and by the command line. Never a
 * secret. */
#ifndef MSP_CREDENTIAL_JSON_H
#define MSP_CREDENTIAL_JSON_H

#include "msp/json_writer.h"
#include "msp/key_store.h"
#include "msp/people_store.h"

/* "active", "expired" or "revoked", now. */
const char *msp_key_status(const struct msp_key_info *key);

/* One key as an object. */
void msp_key_write(struct msp_json_writer *json, const struct msp_key_info *key);

/* The members of one person inside an object that the caller has begun. */
void msp_person_write_members(struct msp_json_writer *json, const struct msp_person *person);

#endif
