/* What `status` says of ticket sources: whose tickets are furthest behind, and why. */
#ifndef MSP_STATUS_SOURCES_H
#define MSP_STATUS_SOURCES_H

#include "command.h"

#include "msp/json_writer.h"

/* Both ask the database, and wait no longer than a second for its answer. The first shows ten. */
void msp_status_sources_print(const struct msp_invocation *invocation);

/* Member "sources" of an object that is open: null where the database did not answer. */
void msp_status_sources_write(const struct msp_invocation *invocation,
                              struct msp_json_writer *writer);

#endif
