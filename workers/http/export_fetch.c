/* Frames of an export, one after the other, checked to be the ones that were asked for. */
#include "export_fetch.h"

#include "msp/clock.h"

#include <string.h>
#include <unistd.h>

#define SEND_MS 1000
/* A storage on another machine may need seconds to begin, and a new job worker to start. */
#define ANSWER_MS 10000
/* One to begin with, and some for job workers that were replaced meanwhile. */
#define CONNECTS 4

static void disconnect(struct msp_export_fetch *fetch)
{
    if (fetch->fd >= 0)
        (void)close(fetch->fd);
    fetch->fd = -1;
}

static enum msp_result connect_and_ask(struct msp_export_fetch *fetch, struct msp_error *error)
{
    int64_t deadline_ms = msp_clock_monotonic_ms() + SEND_MS;
    fetch->connects_left--;
    enum msp_result result =
        msp_job_socket_connect(fetch->socket_path, deadline_ms, &fetch->fd, error);
    if (result == MSP_OK)
        result = msp_job_message_send(fetch->fd, &fetch->order, deadline_ms, error);
    return result;
}

static enum msp_result judge(const struct msp_export_fetch *fetch, struct msp_error *error)
{
    const struct msp_job_message *got = &fetch->received;
    if (got->operation == MSP_JOB_REFUSED)
        return msp_fail(error, (enum msp_result)got->result, got->code, "%s", got->detail);
    if (got->operation == MSP_JOB_DATA && got->offset == fetch->order.offset &&
        got->data_bytes > 0 && (int64_t)got->data_bytes <= fetch->order.length)
        return MSP_OK;
    return msp_fail(error, MSP_BROKEN, "fetch_confused",
                    "The job worker sent other bytes of an export than it was asked for.");
}

/* The next frame; from the next job worker if this one left in the middle. */
static enum msp_result receive(struct msp_export_fetch *fetch, struct msp_error *error)
{
    enum msp_result result = MSP_UNAVAILABLE;
    while (result == MSP_UNAVAILABLE && (fetch->fd >= 0 || fetch->connects_left > 0)) {
        result = fetch->fd >= 0 ? MSP_OK : connect_and_ask(fetch, error);
        if (result == MSP_OK)
            result = msp_job_message_receive(fetch->fd, &fetch->body, &fetch->received,
                                             msp_clock_monotonic_ms() + ANSWER_MS, error);
        if (result != MSP_OK)
            disconnect(fetch);
    }
    return result == MSP_OK ? judge(fetch, error) : result;
}

enum msp_result msp_export_fetch_begin(struct msp_export_fetch *fetch, const char *socket_path,
                                       const struct msp_job_message *order, struct msp_error *error)
{
    *fetch = (struct msp_export_fetch){
        .socket_path = socket_path, .fd = -1, .order = *order, .connects_left = CONNECTS};
    msp_buffer_init(&fetch->body, MSP_FRAME_MAX_BYTES);
    enum msp_result result = receive(fetch, error);
    fetch->held = result == MSP_OK;
    return result;
}

enum msp_result msp_export_fetch_next(struct msp_export_fetch *fetch, const void **out_bytes,
                                      size_t *out_size, struct msp_error *error)
{
    enum msp_result result = fetch->held ? MSP_OK : receive(fetch, error);
    fetch->held = false;
    if (result != MSP_OK)
        return result;
    *out_bytes = fetch->received.data;
    *out_size = fetch->received.data_bytes;
    fetch->order.offset += (int64_t)*out_size;
    fetch->order.length -= (int64_t)*out_size;
    return MSP_OK;
}

void msp_export_fetch_end(struct msp_export_fetch *fetch)
{
    disconnect(fetch);
    msp_buffer_done(&fetch->body);
}
