/* Reads objects and lists of them. */
#include "storage/s3_call.h"
#include "storage/s3_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES       4
#define READ_MS     3600000 /* an object may be large; one that stands still is let go much sooner */
#define QUERY_BYTES (4 * MSP_S3_KEY_BYTES)
#define TOKEN_BYTES 1024

enum { FIELD_ETAG, FIELD_RANGE, FIELD_LENGTH, FIELDS };

struct reading {
    struct msp_s3_get *get;
    struct msp_egress_field fields[FIELDS];
    int64_t done;
    int64_t from; /* what this try asked for */
    bool known;
    bool refused; /* by the sink */
    bool odd;     /* the answer is not what was asked for */
};

static struct reading new_reading(struct msp_s3_get *get)
{
    return (struct reading){
        .get = get,
        .fields = {[FIELD_ETAG] = {.name = "ETag"},
                   [FIELD_RANGE] = {.name = "Content-Range"},
                   [FIELD_LENGTH] = {.name = "Content-Length"}},
    };
}

/* Takes version and size from the answer's fields; false if it is another part than was asked
 * for, as from a service that knows no ranges. */
static bool look_at_fields(struct reading *reading)
{
    struct msp_s3_get *get = reading->get;
    const char *range = reading->fields[FIELD_RANGE].value;
    const char *slash = strchr(range, '/');
    int64_t first = 0;
    if (slash != NULL) {
        get->object_bytes = strtoll(slash + 1, NULL, 10);
        first = strncmp(range, "bytes ", 6) == 0 && range[6] != '*' ? strtoll(range + 6, NULL, 10)
                                                                    : reading->from;
    } else {
        get->object_bytes = strtoll(reading->fields[FIELD_LENGTH].value, NULL, 10);
    }
    (void)snprintf(get->etag, sizeof get->etag, "%.*s", MSP_S3_ETAG_BYTES - 1,
                   reading->fields[FIELD_ETAG].value);
    return first == reading->from;
}

static bool take(void *context, const void *bytes, size_t size)
{
    struct reading *reading = context;
    struct msp_s3_get *get = reading->get;
    if (!reading->known) {
        reading->known = true;
        reading->odd = !look_at_fields(reading);
    }
    if (reading->odd || (get->length >= 0 && reading->done + (int64_t)size > get->length)) {
        reading->odd = true;
        return false;
    }
    reading->refused = !get->sink(get->context, bytes, size);
    reading->done += (int64_t)size;
    return !reading->refused;
}

static enum msp_result judge(const struct msp_s3_client *client, const struct s3_call *call,
                             struct reading *reading, const struct msp_egress_response *response,
                             struct msp_error *error)
{
    /* 416: there is nothing from there on. */
    if (response->status == 416) {
        (void)look_at_fields(reading);
        return MSP_OK;
    }
    enum msp_result result = msp_s3_judge(client, call, response, error);
    if (result == MSP_OK && !reading->known) {
        (void)look_at_fields(reading);
    }
    return result;
}

static enum msp_result read_once(const struct msp_s3_client *client, struct reading *reading,
                                 struct msp_error *error)
{
    struct msp_s3_get *get = reading->get;
    char range[80];
    char match[MSP_S3_ETAG_BYTES + 16];
    const char *fields[] = {range, NULL, NULL};
    reading->from = get->offset + reading->done;
    reading->known = false;
    int length = snprintf(range, sizeof range, "Range: bytes=%" PRId64 "-", reading->from);
    if (get->length >= 0) {
        (void)snprintf(range + length, sizeof range - (size_t)length, "%" PRId64,
                       get->offset + get->length - 1);
    }
    if (get->etag[0] != '\0') {
        (void)snprintf(match, sizeof match, "If-Match: %s", get->etag);
        fields[1] = match;
    }
    struct s3_call call = {.method = "GET",
                           .key = get->key,
                           .fields = fields,
                           .sink = take,
                           .context = reading,
                           .wanted = reading->fields,
                           .wanted_count = FIELDS,
                           .deadline_ms = get->deadline_ms,
                           .own_ms = READ_MS};
    struct msp_egress_response response = {.status = 0};
    enum msp_result result = msp_s3_perform(client, &call, &response, error);
    if (reading->odd) {
        return msp_fail(error, MSP_BROKEN, "storage_failed",
                        "The object storage answers another part of %s than was asked for.",
                        get->key);
    }
    if (result == MSP_OK) {
        result = judge(client, &call, reading, &response, error);
        msp_egress_response_done(&response);
    }
    return result;
}

/* Only version and size: no range of nothing can be asked for. */
static enum msp_result look(const struct msp_s3_client *client, struct reading *reading,
                            struct msp_error *error)
{
    struct msp_s3_get *get = reading->get;
    char wanted[MSP_S3_ETAG_BYTES];
    memcpy(wanted, get->etag, sizeof wanted);
    struct s3_call call = {.method = "HEAD",
                           .key = get->key,
                           .wanted = reading->fields,
                           .wanted_count = FIELDS,
                           .deadline_ms = get->deadline_ms};
    enum msp_result result = msp_s3_do(client, &call, error);
    if (result != MSP_OK) {
        return result;
    }
    (void)look_at_fields(reading);
    return wanted[0] == '\0' || strcmp(wanted, get->etag) == 0
               ? MSP_OK
               : msp_fail(error, MSP_CONFLICT, "file_changed",
                          "%s was written anew while it was read; start again.", get->key);
}

enum msp_result msp_s3_get(const struct msp_s3_client *client, struct msp_s3_get *get,
                           struct msp_error *error)
{
    struct reading reading = new_reading(get);
    enum msp_result result = MSP_OK;
    get->object_bytes = 0;
    get->given_bytes = 0;
    if (get->length == 0) {
        return look(client, &reading, error);
    }
    for (int try = 1;; try++) {
        result = read_once(client, &reading, error);
        get->given_bytes = reading.done;
        bool is_whole = get->length >= 0 && reading.done == get->length;
        bool may_go_on = result == MSP_UNAVAILABLE || result == MSP_TIMED_OUT;
        if (is_whole || !may_go_on || try == TRIES || !msp_s3_pause(client, try)) {
            break;
        }
    }
    return get->length >= 0 && reading.done == get->length && !reading.refused ? MSP_OK : result;
}

/* ---- lists ---- */

static bool make_query(const char *prefix, const char *token, char out[QUERY_BYTES])
{
    size_t length = 0;
    if (token[0] != '\0') {
        length = (size_t)snprintf(out, QUERY_BYTES, "continuation-token=");
        if (!msp_s3_encode(token, false, out + length, QUERY_BYTES - length)) {
            return false;
        }
        length += strlen(out + length);
    }
    int added = snprintf(out + length, QUERY_BYTES - length,
                         "%slist-type=2&prefix=", length > 0 ? "&" : "");
    length += added > 0 ? (size_t)added : QUERY_BYTES;
    return length < QUERY_BYTES && msp_s3_encode(prefix, false, out + length, QUERY_BYTES - length);
}

/* Visits the objects of one answer; *token becomes what asks for the next, "" if there is none. */
static bool visit_page(const struct msp_egress_response *page, size_t prefix_length,
                       bool (*visit)(void *context, const char *name, int64_t bytes), void *context,
                       char token[TOKEN_BYTES])
{
    const char *end;
    const char *text = msp_s3_text(page, &end);
    const char *at = text;
    char key[MSP_S3_KEY_BYTES];
    char size[32];
    if (!msp_s3_xml_text(&at, end, "NextContinuationToken", token, TOKEN_BYTES)) {
        token[0] = '\0';
    }
    at = memmem(text, (size_t)(end - text), "<Contents>", 10);
    while (msp_s3_xml_text(&at, end, "Key", key, sizeof key) &&
           msp_s3_xml_text(&at, end, "Size", size, sizeof size)) {
        if (strlen(key) > prefix_length &&
            !visit(context, key + prefix_length, strtoll(size, NULL, 10))) {
            return false;
        }
    }
    return token[0] != '\0';
}

enum msp_result msp_s3_list(const struct msp_s3_client *client, const char *below,
                            bool (*visit)(void *context, const char *name, int64_t bytes),
                            void *context, struct msp_error *error)
{
    char prefix[MSP_S3_KEY_BYTES];
    char query[QUERY_BYTES];
    char token[TOKEN_BYTES] = "";
    int length = snprintf(prefix, sizeof prefix, "%s%s", client->prefix, below);
    for (bool more = true; more;) {
        if (length < 0 || (size_t)length >= sizeof prefix || !make_query(prefix, token, query)) {
            return msp_fail(error, MSP_INVALID, "storage_malformed",
                            "A name in the object storage is too long.");
        }
        struct s3_call call = {.method = "GET", .query = query};
        struct msp_egress_response response = {.status = 0};
        enum msp_result result = msp_s3_perform(client, &call, &response, error);
        if (result != MSP_OK) {
            return result;
        }
        result = msp_s3_judge(client, &call, &response, error);
        more = result == MSP_OK && visit_page(&response, (size_t)length, visit, context, token);
        msp_egress_response_done(&response);
        if (result != MSP_OK) {
            return result;
        }
    }
    return MSP_OK;
}
