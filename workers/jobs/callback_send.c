/* Sends one callback. Decides neither who is told nor when; follows no redirect. */
#include "callback_send.h"

#include "callback_schedule.h"
#include "msp/clock.h"
#include "msp/job_json.h"
#include "retry_after.h"
#include "webhook_signature.h"

#include <stdio.h>

/* n8n takes bodies of up to 16 MB (its N8N_PAYLOAD_SIZE_MAX). */
#define LARGEST_BODY_BYTES (15U << 20)
#define ID_BYTES           (sizeof "webhook-id: msg_" + MSP_CALLBACK_ID_BYTES)

static void write_body(const struct msp_job *job, bool result_omitted, struct msp_buffer *out)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "job");
    msp_job_write(&writer, job);
    if (result_omitted) {
        msp_json_key_bool(&writer, "result_omitted", true);
    }
    msp_json_end_object(&writer);
}

void msp_callback_write_body(const struct msp_job *job, struct msp_buffer *out)
{
    msp_buffer_init(out, LARGEST_BODY_BYTES);
    write_body(job, false, out);
    if (out->failed) {
        struct msp_job bare = *job;
        bare.result = NULL;
        msp_buffer_clear(out);
        write_body(&bare, true, out);
    }
}

/* The three fields of Standard Webhooks; the id stays over all tries. */
struct fields {
    char id[ID_BYTES];
    char timestamp[48];
    char signature[sizeof "webhook-signature: " + MSP_WEBHOOK_SIGNATURES_BYTES];
};

static enum msp_result sign(const struct msp_callback_sending *sending,
                            const struct msp_buffer *body, struct fields *out,
                            struct msp_error *error)
{
    const struct msp_settings *settings = sending->settings;
    int64_t now_seconds = msp_clock_unix_us() / 1000000;
    char id[sizeof "msg_" + MSP_CALLBACK_ID_BYTES];
    char signatures[MSP_WEBHOOK_SIGNATURES_BYTES];
    (void)snprintf(id, sizeof id, "msg_%s", sending->callback->id);
    enum msp_result result =
        msp_webhook_sign(settings->callback_secret, settings->callback_secret_previous, id,
                         now_seconds, body->data, body->length, signatures, error);
    if (result != MSP_OK) {
        /* The operator can mend this within the day, so the receiver need not lose his callback. */
        return msp_fail(error, MSP_UNAVAILABLE, error->code, "%s", error->detail);
    }
    (void)snprintf(out->id, sizeof out->id, "webhook-id: %s", id);
    (void)snprintf(out->timestamp, sizeof out->timestamp, "webhook-timestamp: %lld",
                   (long long)now_seconds);
    (void)snprintf(out->signature, sizeof out->signature, "webhook-signature: %s", signatures);
    return MSP_OK;
}

static enum msp_result post(const struct msp_callback_sending *sending,
                            const struct msp_buffer *body, struct msp_callback_try *tried,
                            struct msp_error *error)
{
    struct fields fields;
    enum msp_result result = sign(sending, body, &fields, error);
    if (result != MSP_OK) {
        return result;
    }
    const char *const lines[] = {"Content-Type: application/json", fields.id, fields.timestamp,
                                 fields.signature, NULL};
    struct msp_egress_field retry_after = {.name = "Retry-After"};
    struct msp_egress_request request = {
        .owner = MSP_EGRESS_GIVEN,
        .purpose = "callback",
        .method = "POST",
        .url = sending->callback->url,
        .fields = lines,
        .body = body->data,
        .body_bytes = (int64_t)body->length,
        .wanted = &retry_after,
        .wanted_count = 1,
        .deadline_ms = msp_clock_monotonic_ms() + MSP_CALLBACK_TRY_SECONDS * 1000LL,
        .should_stop = sending->should_stop,
        .context = sending->context,
    };
    struct msp_egress_response response;
    msp_egress_trace(sending->egress, sending->callback->job.trace);
    result = msp_egress_call(sending->egress, &request, &response, error);
    if (result == MSP_OK) {
        tried->status = response.status;
        tried->retry_after_seconds =
            msp_retry_after_seconds(retry_after.value, msp_clock_unix_us() / 1000000);
        msp_egress_response_done(&response);
    }
    return result;
}

void msp_callback_send(struct msp_callback_sending *sending, struct msp_callback_outcome *out)
{
    const struct msp_callback *callback = sending->callback;
    struct msp_callback_try tried = {.failures = callback->failures,
                                     .conflicts = callback->conflicts,
                                     .age_ms = callback->age_ms};
    struct msp_error error;
    struct msp_buffer body;
    msp_callback_write_body(&callback->job, &body);
    tried.result = body.failed
                       ? msp_fail(&error, MSP_NO_MEMORY, "no_memory", "No memory for the callback.")
                       : post(sending, &body, &tried, &error);
    msp_buffer_done(&body);
    (void)msp_callback_judge(&tried, out);
    if (out->reason == NULL && tried.result != MSP_OK) {
        (void)snprintf(sending->reason, sizeof sending->reason, "%s", error.detail);
        out->reason = sending->reason;
    }
}
