/* Uploads in parts, and the end of those whose writer is gone. */
#include "storage/s3_call.h"
#include "storage/s3_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_BYTES 1700   /* an upload's id, each byte encoded, and its names */
#define COMPLETE_MS 600000 /* putting 10,000 parts together may take minutes */

static enum msp_result fail_odd(const char *what, struct msp_error *error)
{
    return msp_fail(error, MSP_BROKEN, "storage_failed",
                    "The object storage's answer to %s cannot be understood.", what);
}

enum msp_result msp_s3_upload_begin(const struct msp_s3_client *client,
                                    struct msp_s3_upload *upload, struct msp_error *error)
{
    struct s3_call call = {.method = "POST", .key = upload->key, .query = "uploads="};
    struct msp_egress_response response = {.status = 0};
    upload->id[0] = '\0';
    upload->parts = 0;
    enum msp_result result = msp_s3_perform(client, &call, &response, error);
    if (result != MSP_OK) {
        return result;
    }
    result = msp_s3_judge(client, &call, &response, error);
    const char *end;
    const char *at = msp_s3_text(&response, &end);
    if (result == MSP_OK && !msp_s3_xml_text(&at, end, "UploadId", upload->id, sizeof upload->id)) {
        result = fail_odd("the begin of an upload", error);
    }
    msp_egress_response_done(&response);
    return result;
}

/* "uploadId=…", or "partNumber=N&uploadId=…" for a number above 0. */
static bool make_query(const char *id, int part, char out[QUERY_BYTES])
{
    int length = part > 0 ? snprintf(out, QUERY_BYTES, "partNumber=%d&uploadId=", part)
                          : snprintf(out, QUERY_BYTES, "uploadId=");
    return length > 0 && msp_s3_encode(id, false, out + length, QUERY_BYTES - (size_t)length);
}

enum msp_result msp_s3_upload_part(const struct msp_s3_client *client, struct msp_s3_upload *upload,
                                   const struct msp_s3_body *body, struct msp_error *error)
{
    char query[QUERY_BYTES];
    struct msp_egress_field etag = {.name = "ETag"};
    struct s3_call call = {.method = "PUT",
                           .key = upload->key,
                           .query = query,
                           .body = body,
                           .wanted = &etag,
                           .wanted_count = 1};
    if (!make_query(upload->id, upload->parts + 1, query)) {
        return fail_odd("the begin of an upload", error);
    }
    enum msp_result result = msp_s3_do(client, &call, error);
    if (result != MSP_OK) {
        return result;
    }
    size_t length = strlen(etag.value);
    if (length == 0 || length >= MSP_S3_ETAG_BYTES) {
        return fail_odd("a part of an upload", error);
    }
    memcpy(upload->etags[upload->parts], etag.value, length + 1);
    upload->parts++;
    return MSP_OK;
}

static void list_parts(const struct msp_s3_upload *upload, struct msp_buffer *out)
{
    msp_buffer_append_text(out, "<CompleteMultipartUpload>");
    for (int i = 0; i < upload->parts; i++) {
        /* The quotes of an ETag may stand in a text as they are. */
        msp_buffer_printf(out, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i + 1,
                          upload->etags[i]);
    }
    msp_buffer_append_text(out, "</CompleteMultipartUpload>");
}

/* Whether the object is there with its whole length. */
static bool is_complete(const struct msp_s3_client *client, const struct msp_s3_upload *upload)
{
    struct msp_error error;
    struct msp_egress_field length = {.name = "Content-Length"};
    struct s3_call call = {
        .method = "HEAD", .key = upload->key, .wanted = &length, .wanted_count = 1};
    return msp_s3_do(client, &call, &error) == MSP_OK &&
           strtoll(length.value, NULL, 10) == upload->bytes;
}

/* The service may have said 200 before it knew, and put the failure into the text. */
static enum msp_result judge_completion(const struct msp_s3_client *client,
                                        const struct s3_call *call,
                                        const struct msp_egress_response *response,
                                        struct msp_error *error)
{
    const struct msp_buffer *body = &response->body;
    enum msp_result result = msp_s3_judge(client, call, response, error);
    if (result == MSP_OK && body->length > 0 &&
        memmem(body->data, body->length, "<Error>", 7) != NULL) {
        result = msp_fail(error, MSP_UNAVAILABLE, "storage_unavailable",
                          "The object storage could not put the parts of %s together; the export "
                          "is tried again.",
                          call->key);
    }
    return result;
}

enum msp_result msp_s3_upload_complete(const struct msp_s3_client *client,
                                       const struct msp_s3_upload *upload, struct msp_error *error)
{
    static const char *const fields[] = {"Content-Type: application/xml", NULL};
    char query[QUERY_BYTES];
    struct msp_buffer text;
    struct msp_egress_response response = {.status = 0};
    msp_buffer_init(&text, 0);
    list_parts(upload, &text);
    if (text.failed || !make_query(upload->id, 0, query)) {
        msp_buffer_done(&text);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to complete an upload.");
    }
    struct msp_s3_body body = {.text = text.data, .bytes = (int64_t)text.length};
    struct s3_call call = {.method = "POST",
                           .key = upload->key,
                           .query = query,
                           .fields = fields,
                           .body = &body,
                           .own_ms = COMPLETE_MS,
                           .is_patient = true};
    enum msp_result result = msp_s3_perform(client, &call, &response, error);
    if (result == MSP_OK) {
        result = judge_completion(client, &call, &response, error);
        msp_egress_response_done(&response);
    }
    msp_buffer_done(&text);
    /* An earlier try that was not heard has done it. */
    if (result == MSP_NOT_FOUND && is_complete(client, upload)) {
        result = MSP_OK;
    }
    return result;
}

enum msp_result msp_s3_upload_abort(const struct msp_s3_client *client, const char *key,
                                    const char *id, struct msp_error *error)
{
    char query[QUERY_BYTES];
    if (!make_query(id, 0, query)) {
        return fail_odd("the begin of an upload", error);
    }
    struct s3_call call = {.method = "DELETE", .key = key, .query = query, .is_last_word = true};
    return msp_s3_do(client, &call, error);
}

/* Aborts those listed in one answer. */
static enum msp_result abort_listed(const struct msp_s3_client *client,
                                    const struct msp_egress_response *list, struct msp_error *error)
{
    const char *end;
    const char *at = msp_s3_text(list, &end);
    char key[MSP_S3_KEY_BYTES];
    char id[MSP_S3_UPLOAD_ID_BYTES];
    size_t prefix_length = strlen(client->prefix);
    enum msp_result result = MSP_OK;
    at = memmem(at, (size_t)(end - at), "<Upload>", 8);
    while (result == MSP_OK && msp_s3_xml_text(&at, end, "Key", key, sizeof key) &&
           msp_s3_xml_text(&at, end, "UploadId", id, sizeof id)) {
        if (strncmp(key, client->prefix, prefix_length) == 0) {
            result = msp_s3_upload_abort(client, key + prefix_length, id, error);
        }
        if (result == MSP_NOT_FOUND) {
            result = MSP_OK; /* gone by itself */
        }
    }
    return result;
}

enum msp_result msp_s3_sweep(const struct msp_s3_client *client, const char *below,
                             struct msp_error *error)
{
    char prefix[MSP_S3_KEY_BYTES];
    char encoded[3 * MSP_S3_KEY_BYTES];
    char query[sizeof encoded + 32];
    struct msp_egress_response response = {.status = 0};
    int length = snprintf(prefix, sizeof prefix, "%s%s", client->prefix, below);
    if (length < 0 || (size_t)length >= sizeof prefix ||
        !msp_s3_encode(prefix, false, encoded, sizeof encoded)) {
        return msp_fail(error, MSP_INVALID, "storage_malformed", "A name is too long to export.");
    }
    (void)snprintf(query, sizeof query, "prefix=%s&uploads=", encoded);
    struct s3_call call = {.method = "GET", .query = query};
    enum msp_result result = msp_s3_perform(client, &call, &response, error);
    if (result != MSP_OK) {
        return result;
    }
    result = msp_s3_judge(client, &call, &response, error);
    if (result == MSP_OK) {
        result = abort_listed(client, &response, error);
    }
    msp_egress_response_done(&response);
    return result;
}
