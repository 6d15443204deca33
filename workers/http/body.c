/* Takes a body from CivetWeb under the seam's limits. Never stores one in a file and never decodes
 * a form. */
#include "body.h"

#include "civetweb_seam.h"
#include "http_worker.h"

#include "msp/json_reader.h"

#include <stdlib.h>
#include <string.h>

/* A body of up to this size must be there in whole by its deadline; a longer one must keep a least
 * rate. */
#define WHOLE_BODY_BYTES       262144
#define WHOLE_BODY_DEADLINE_MS 10000
/* What is worth taking in to keep a connection. */
#define SKIPPED_BYTES 65536
#define SKIPPING_MS   1000
#define CHUNK_BYTES   16384

/* Before the client is told to go on: what has no room is not even sent. */
static enum msp_result reserve(const struct msp_request *request, int64_t bytes,
                               struct msp_error *error)
{
    enum msp_result result = msp_memory_take(&request->worker->memory, bytes, error);
    if (result == MSP_OK)
        request->body->reserved_bytes += bytes;
    return result;
}

static enum msp_result begin(const struct msp_request *request, int64_t budget_ms,
                             struct msp_error *error)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct msp_body *body = request->body;
    body->begun = true;
    msp_seam_limit_reading(budget_ms, budget_ms == 0);
    if (!body->continue_due)
        return MSP_OK;
    body->continue_due = false;
    if (msp_seam_write(request->connection, go_on, sizeof go_on - 1))
        return MSP_OK;
    body->broken = true;
    return msp_fail(error, MSP_INVALID, "body_broken", "The connection broke before the body.");
}

static enum msp_result fail_reading(struct msp_body *body, bool late, struct msp_error *error)
{
    body->broken = true;
    if (late)
        return msp_fail(error, MSP_TIMED_OUT, "body_too_slow",
                        "The body came too slowly: up to 256 KiB must be there within 10 s, a "
                        "longer one must come at 8 KiB/s.");
    return msp_fail(error, MSP_INVALID, "body_broken",
                    "The body ended before its announced length or is not correctly chunked.");
}

static enum msp_result read_piece(const struct msp_request *request, char *buffer, size_t capacity,
                                  size_t *out_size, struct msp_error *error)
{
    struct msp_body *body = request->body;
    bool chunked = request->content_length < 0;
    if (body->broken)
        return fail_reading(body, false, error);
    if (!chunked) {
        int64_t left = request->content_length - body->taken_bytes;
        if ((int64_t)capacity > left)
            capacity = (size_t)left;
        body->ended = left == 0;
    }
    *out_size = 0;
    if (body->ended || capacity == 0)
        return MSP_OK;
    bool late = false;
    int got = msp_seam_read(request->connection, buffer, capacity, &late);
    if (late || got < 0 || (got == 0 && !chunked))
        return fail_reading(body, late, error);
    if (chunked && got == 0 && !msp_seam_chunks_are_whole())
        return fail_reading(body, false, error);
    body->taken_bytes += got;
    body->ended = chunked ? got == 0 : body->taken_bytes == request->content_length;
    *out_size = (size_t)got;
    return MSP_OK;
}

enum msp_result msp_body_read(const struct msp_request *request, char *buffer, size_t capacity,
                              size_t *out_size, struct msp_error *error)
{
    if (!request->body->begun) {
        bool small = request->content_length >= 0 && request->content_length <= WHOLE_BODY_BYTES;
        enum msp_result result = reserve(request, MSP_MEMORY_OF_STREAM_BYTES, error);
        if (result == MSP_OK)
            result = begin(request, small ? WHOLE_BODY_DEADLINE_MS : 0, error);
        if (result != MSP_OK)
            return result;
    }
    return read_piece(request, buffer, capacity, out_size, error);
}

static enum msp_result too_large(int max_bytes, struct msp_error *error)
{
    return msp_fail(error, MSP_TOO_LARGE, "body_too_large",
                    "A JSON body may have at most %d bytes; send less at a time.", max_bytes);
}

/* The whole body, in *text; the caller frees it. */
static enum msp_result read_whole(const struct msp_request *request, struct msp_buffer *text,
                                  struct msp_error *error)
{
    int max_bytes = request->settings->max_body_bytes;
    if (request->content_length > max_bytes)
        return too_large(max_bytes, error);
    int64_t most_bytes = request->content_length > 0 ? request->content_length : max_bytes;
    enum msp_result result = reserve(request, msp_memory_of_text(most_bytes), error);
    if (result == MSP_OK)
        result = begin(request, WHOLE_BODY_DEADLINE_MS, error);
    msp_buffer_init(text, (size_t)max_bytes + CHUNK_BYTES);
    while (result == MSP_OK && !request->body->ended) {
        size_t room = request->content_length > 0
                          ? (size_t)(request->content_length - request->body->taken_bytes)
                          : CHUNK_BYTES;
        size_t size = 0;
        char *place = msp_buffer_reserve(text, room);
        if (place == NULL)
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory; try again later.");
        result = read_piece(request, place, room, &size, error);
        text->length += size;
        if (result == MSP_OK && text->length > (size_t)max_bytes)
            return too_large(max_bytes, error);
    }
    return result;
}

enum msp_result msp_body_read_json(const struct msp_request *request, json_t **out_json,
                                   struct msp_error *error)
{
    if (request->content_length == 0)
        return msp_fail(error, MSP_INVALID, "body_missing", "Send a JSON object as the body.");
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    enum msp_result result = read_whole(request, &text, error);
    json_t *json = NULL;
    if (result == MSP_OK)
        result = reserve(request, msp_memory_of_values((int64_t)text.length), error);
    if (result == MSP_OK) {
        struct msp_json_limits limits = msp_json_request_limits;
        limits.max_bytes = (size_t)request->settings->max_body_bytes;
        result =
            msp_json_parse(text.data != NULL ? text.data : "", text.length, &limits, &json, error);
    }
    msp_buffer_done(&text);
    if (result == MSP_OK && !json_is_object(json)) {
        json_decref(json);
        return msp_fail(error, MSP_INVALID, "body_not_an_object",
                        "The body must be a JSON object.");
    }
    if (result == MSP_OK)
        *out_json = json;
    return result;
}

bool msp_body_skip_rest(const struct msp_request *request)
{
    struct msp_body *body = request->body;
    if (body->ended || request->content_length == 0)
        return true;
    /* A client that waits for leave to send may send or not: only closing is clear. */
    if (body->broken || body->continue_due)
        return false;
    if (request->content_length - body->taken_bytes > SKIPPED_BYTES)
        return false;
    body->begun = true;
    msp_seam_limit_reading(SKIPPING_MS, false);
    int64_t start = body->taken_bytes;
    while (!body->ended && body->taken_bytes - start <= SKIPPED_BYTES) {
        char waste[2048];
        size_t size = 0;
        if (read_piece(request, waste, sizeof waste, &size, NULL) != MSP_OK)
            return false;
    }
    return body->ended;
}
