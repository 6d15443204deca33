/*
 * Job messages as msgpack: what one looks like, and refusing whatever does not
 * look like one before any memory is spent on it. Sending is in job_socket.c.
 */
#include "msp/job_message.h"

#include "job_frame.h"
#include "msgpack_scan.h"

#include <msgpack.h>
#include <string.h>

/* The map's keys. A number, once given away, keeps its meaning. */
enum key {
    KEY_VERSION = 0,
    KEY_OPERATION = 1,
    KEY_JOB_ID = 2,
    KEY_KIND = 3,
    KEY_TENANT_ID = 4,
    KEY_DONE = 5,
    KEY_TOTAL = 6,
    KEYS = 7,
};

/* Room for keys of later versions, which we ignore; ours need 15 items and 2 levels. */
#define MAX_ITEMS 64
#define MAX_DEPTH 4

static enum msp_result refuse(struct msp_error *error, const char *what)
{
    return msp_fail(error, MSP_INVALID, "job_message_invalid",
                    "A message between processes was refused: %s. Check that all processes are of "
                    "the same version.",
                    what);
}

static int append_to_buffer(void *buffer, const char *bytes, size_t size)
{
    struct msp_buffer *out = buffer;
    msp_buffer_append(out, bytes, size);
    return out->failed ? -1 : 0;
}

static void pack_text(msgpack_packer *packer, enum key key, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    (void)msgpack_pack_int(packer, key);
    (void)msgpack_pack_str_with_body(packer, text, length);
}

static void pack_number(msgpack_packer *packer, enum key key, int64_t number)
{
    (void)msgpack_pack_int(packer, key);
    (void)msgpack_pack_int64(packer, number);
}

static void pack_body(const struct msp_job_message *message, struct msp_buffer *body)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, body, append_to_buffer);
    (void)msgpack_pack_map(&packer, KEYS);
    pack_number(&packer, KEY_VERSION, MSP_JOB_MESSAGE_VERSION);
    pack_number(&packer, KEY_OPERATION, message->operation);
    pack_text(&packer, KEY_JOB_ID, message->job_id, sizeof message->job_id);
    pack_text(&packer, KEY_KIND, message->kind, sizeof message->kind);
    pack_number(&packer, KEY_TENANT_ID, message->tenant_id);
    pack_number(&packer, KEY_DONE, message->done);
    pack_number(&packer, KEY_TOTAL, message->total);
}

static void put_length(unsigned char out[4], uint32_t length)
{
    out[0] = (unsigned char)(length >> 24);
    out[1] = (unsigned char)(length >> 16);
    out[2] = (unsigned char)(length >> 8);
    out[3] = (unsigned char)length;
}

static bool is_job_id(const char *text)
{
    for (size_t i = 0; i < MSP_JOB_ID_BYTES - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex) {
            return false;
        }
    }
    return text[MSP_JOB_ID_BYTES - 1] == '\0';
}

/* What holds for a message on its way out as on its way in. */
static enum msp_result check_meaning(const struct msp_job_message *message, struct msp_error *error)
{
    if (message->operation < MSP_JOB_WAKE || message->operation > MSP_JOB_ENDED) {
        return refuse(error, "its operation is unknown");
    }
    bool may_lack_id = message->operation == MSP_JOB_WAKE;
    if (!is_job_id(message->job_id) && !(may_lack_id && message->job_id[0] == '\0')) {
        return refuse(error, "its job id is not a UUID in lower case");
    }
    if (memchr(message->kind, '\0', sizeof message->kind) == NULL) {
        return refuse(error, "its job kind is too long");
    }
    if (message->tenant_id < 0 || message->done < 0 || message->total < 0) {
        return refuse(error, "it has a negative number");
    }
    return MSP_OK;
}

enum msp_result msp_job_message_encode(const struct msp_job_message *message,
                                       struct msp_buffer *out, struct msp_error *error)
{
    enum msp_result result = check_meaning(message, error);
    if (result != MSP_OK) {
        return result;
    }
    struct msp_buffer body;
    msp_buffer_init(&body, MSP_FRAME_MAX_BYTES);
    pack_body(message, &body);
    if (!body.failed) {
        unsigned char length[4];
        put_length(length, (uint32_t)body.length);
        msp_buffer_append(out, length, sizeof length);
        msp_buffer_append(out, body.data, body.length);
    }
    bool failed = body.failed || out->failed;
    msp_buffer_done(&body);
    if (failed) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory",
                        "No memory for a message to another process; try again.");
    }
    return MSP_OK;
}

static bool read_number(const msgpack_object *value, int64_t *out)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER || value->via.u64 > INT64_MAX) {
        return false;
    }
    *out = (int64_t)value->via.u64;
    return true;
}

static bool read_text(const msgpack_object *value, char *out, size_t size)
{
    if (value->type != MSGPACK_OBJECT_STR || value->via.str.size >= size) {
        return false;
    }
    /* msgpack-c gives an empty text no place, and memcpy wants one. */
    const char *text = value->via.str.size > 0 ? value->via.str.ptr : "";
    if (memchr(text, '\0', value->via.str.size) != NULL) {
        return false;
    }
    memcpy(out, text, value->via.str.size);
    out[value->via.str.size] = '\0';
    return true;
}

static enum msp_result read_member(enum key key, const msgpack_object *value,
                                   struct msp_job_message *message, struct msp_error *error)
{
    int64_t number = 0;
    bool good = false;
    switch (key) {
    case KEY_VERSION:
        good = read_number(value, &number);
        if (good && number != MSP_JOB_MESSAGE_VERSION) {
            return refuse(error, "its version is unknown");
        }
        break;
    case KEY_OPERATION:
        good = read_number(value, &number) && number >= MSP_JOB_WAKE && number <= MSP_JOB_ENDED;
        message->operation = good ? (enum msp_job_operation)number : MSP_JOB_WAKE;
        break;
    case KEY_JOB_ID:
        good = read_text(value, message->job_id, sizeof message->job_id);
        break;
    case KEY_KIND:
        good = read_text(value, message->kind, sizeof message->kind);
        break;
    case KEY_TENANT_ID:
        good = read_number(value, &message->tenant_id);
        break;
    case KEY_DONE:
        good = read_number(value, &message->done);
        break;
    case KEY_TOTAL:
        good = read_number(value, &message->total);
        break;
    case KEYS:
        break;
    }
    return good ? MSP_OK : refuse(error, "a member has the wrong type or is out of range");
}

static enum msp_result read_map(const msgpack_object *map, struct msp_job_message *out,
                                struct msp_error *error)
{
    struct msp_job_message message;
    memset(&message, 0, sizeof message);
    unsigned seen = 0;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *member = &map->via.map.ptr[i];
        if (member->key.type != MSGPACK_OBJECT_POSITIVE_INTEGER || member->key.via.u64 >= KEYS) {
            continue;
        }
        enum key key = (enum key)member->key.via.u64;
        if ((seen & (1u << key)) != 0) {
            return refuse(error, "a member stands twice");
        }
        seen |= 1u << key;
        enum msp_result result = read_member(key, &member->val, &message, error);
        if (result != MSP_OK) {
            return result;
        }
    }
    const unsigned needed = 1u << KEY_VERSION | 1u << KEY_OPERATION;
    if ((seen & needed) != needed) {
        return refuse(error, "it lacks its version or its operation");
    }
    enum msp_result result = check_meaning(&message, error);
    if (result == MSP_OK) {
        *out = message;
    }
    return result;
}

enum msp_result msp_job_message_decode(const void *body, size_t size, struct msp_job_message *out,
                                       struct msp_error *error)
{
    if (size < 1 || size > MSP_FRAME_MAX_BYTES) {
        return refuse(error, "its size is out of range");
    }
    if (!msp_msgpack_scan(body, size, MAX_ITEMS, MAX_DEPTH)) {
        return refuse(error, "it is not one whole, small msgpack value");
    }
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    msgpack_unpack_return parsed = msgpack_unpack_next(&unpacked, body, size, &offset);
    enum msp_result result;
    if (parsed == MSGPACK_UNPACK_NOMEM_ERROR) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory",
                          "No memory to read a message of another process; try again.");
    } else if (parsed != MSGPACK_UNPACK_SUCCESS || offset != size) {
        result = refuse(error, "it is not one whole msgpack value");
    } else if (unpacked.data.type != MSGPACK_OBJECT_MAP) {
        result = refuse(error, "it is not a map");
    } else {
        result = read_map(&unpacked.data, out, error);
    }
    msgpack_unpacked_destroy(&unpacked);
    return result;
}

bool msp_frame_body_bytes(const unsigned char head[4], size_t *out)
{
    uint32_t length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
                      (uint32_t)head[3];
    if (length < 1 || length > MSP_FRAME_MAX_BYTES) {
        return false;
    }
    *out = length;
    return true;
}

size_t msp_frame_complete(const void *bytes, size_t size, enum msp_result *result)
{
    *result = MSP_OK;
    if (size < 4) {
        return 0;
    }
    size_t body_bytes = 0;
    if (!msp_frame_body_bytes(bytes, &body_bytes)) {
        *result = MSP_INVALID;
        return 0;
    }
    return size - 4 >= body_bytes ? body_bytes + 4 : 0;
}
