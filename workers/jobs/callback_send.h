/* One try at telling a job's end: written, signed, sent, judged. */
#ifndef MSP_CALLBACK_SEND_H
#define MSP_CALLBACK_SEND_H

#include "egress/egress.h"
#include "msp/callback_store.h"
#include "msp/settings.h"

/* No receiver of ours needs longer than n8n, which answers before its workflow goes on. */
#define MSP_CALLBACK_TRY_SECONDS 15

struct msp_callback_sending {
    struct msp_egress *egress;
    const struct msp_settings *settings;
    const struct msp_callback *callback;
    bool (*should_stop)(void *context);
    void *context;
    char reason[512]; /* where the outcome's reason may lie */
};

/* Always comes to an outcome, within MSP_CALLBACK_TRY_SECONDS. */
void msp_callback_send(struct msp_callback_sending *sending, struct msp_callback_outcome *out);

/* {"job":{…}} of an ended job. A result so large that a receiver would refuse the body is left out:
 * then "result_omitted" is true beside the job. */
void msp_callback_write_body(const struct msp_job *job, struct msp_buffer *out);

#endif
