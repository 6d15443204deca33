/* What a person gives for a source on the command line, and its secrets from elsewhere. */
#ifndef MSP_COMMAND_SOURCE_INPUTS_H
#define MSP_COMMAND_SOURCE_INPUTS_H

#include "command.h"

#include "msp/source_kinds.h"

struct msp_source_inputs {
    const struct msp_source_kind *kind;
    json_t *options; /* objects, as the store takes them */
    json_t *secrets;
};

/* From --kind, --option, --secret and --secret-file. MSP_COMMAND_DONE, or the exit code of the
 * command after a complaint. */
int msp_source_inputs_take(const struct msp_invocation *invocation, struct msp_source_inputs *out);
void msp_source_inputs_done(struct msp_source_inputs *inputs);

#endif
