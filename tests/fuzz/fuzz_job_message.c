/* Whatever bytes come out of the job socket: frames, then their bodies. Good ones must encode
 * again. */
#include "msp/job_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct msp_job_message *left, const struct msp_job_message *right)
{
    return left->operation == right->operation && strcmp(left->job_id, right->job_id) == 0 &&
           strcmp(left->kind, right->kind) == 0 && left->tenant_id == right->tenant_id &&
           left->done == right->done && left->total == right->total &&
           strcmp(left->export_id, right->export_id) == 0 &&
           strcmp(left->sha256, right->sha256) == 0 && left->offset == right->offset &&
           left->length == right->length && left->result == right->result &&
           strcmp(left->code, right->code) == 0 && strcmp(left->detail, right->detail) == 0 &&
           left->data_bytes == right->data_bytes &&
           (left->data_bytes == 0 || memcmp(left->data, right->data, left->data_bytes) == 0);
}

static void send_back(const struct msp_job_message *message)
{
    struct msp_buffer frame;
    struct msp_job_message again;
    msp_buffer_init(&frame, 0);
    if (msp_job_message_encode(message, &frame, NULL) != MSP_OK ||
        msp_job_message_decode(frame.data + 4, frame.length - 4, &again, NULL) != MSP_OK ||
        !is_same(message, &again)) {
        abort();
    }
    msp_buffer_done(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum msp_result result;
    size_t whole = msp_frame_complete(data, size, &result);
    struct msp_job_message message;
    struct msp_error error;
    /* With a good length field the body behind it, else all of it as a body. */
    const uint8_t *body = whole > 0 ? data + 4 : data;
    size_t body_bytes = whole > 0 ? whole - 4 : size;
    if (msp_job_message_decode(body, body_bytes, &message, &error) == MSP_OK) {
        send_back(&message);
    }
    return 0;
}
