/*
 * Job messages as msgpack: what one looks like, and refusing whatever does not
 * look like one before any memory is spent on it. Sending is in job_socket.c.
 */
#include "msp/job_message.h"

#include "job_frame.h"
#include "msgpack_scan.h"

#include <msgpack.h>
#include <stddef.h>
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
    KEY_EXPORT_ID = 7,
    KEY_SHA256 = 8,
    KEY_OFFSET = 9,
    KEY_LENGTH = 10,
    KEY_DATA = 11,
    KEY_RESULT = 12,
    KEY_CODE = 13,
    KEY_DETAIL = 14,
    KEY_FIGURES = 15,
    KEYS = 16,
};

enum member_type { VERSION, OPERATION, TEXT, NUMBER, DATA, FIGURES };

/* How a key's value looks, and where in the message it goes. */
static const struct member {
    enum member_type type;
    size_t offset;
    size_t size; /* of a text, its NUL included */
} members[KEYS] = {
#define AT(name) offsetof(struct msp_job_message, name)
#define TEXT_AT(name)                                                                              \
    {                                                                                              \
        TEXT, AT(name), sizeof((struct msp_job_message *)0)->name                                  \
    }
    [KEY_VERSION] = {VERSION, 0, 0},
    [KEY_OPERATION] = {OPERATION, 0, 0},
    [KEY_JOB_ID] = TEXT_AT(job_id),
    [KEY_KIND] = TEXT_AT(kind),
    [KEY_TENANT_ID] = {NUMBER, AT(tenant_id), 0},
    [KEY_DONE] = {NUMBER, AT(done), 0},
    [KEY_TOTAL] = {NUMBER, AT(total), 0},
    [KEY_EXPORT_ID] = TEXT_AT(export_id),
    [KEY_SHA256] = TEXT_AT(sha256),
    [KEY_OFFSET] = {NUMBER, AT(offset), 0},
    [KEY_LENGTH] = {NUMBER, AT(length), 0},
    [KEY_DATA] = {DATA, 0, 0},
    [KEY_RESULT] = {NUMBER, AT(result), 0},
    [KEY_CODE] = TEXT_AT(code),
    [KEY_DETAIL] = TEXT_AT(detail),
    [KEY_FIGURES] = {FIGURES, 0, 0},
};

/* Room for keys of later versions, which we ignore; ours need 44 items and 2 levels. */
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

static const char *text_of(const struct msp_job_message *message, const struct member *member)
{
    return (const char *)message + member->offset;
}

static int64_t number_of(const struct msp_job_message *message, const struct member *member)
{
    int64_t number = 0;
    memcpy(&number, (const char *)message + member->offset, sizeof number);
    return number;
}

/* What is left out is read as empty. */
static bool is_said(const struct msp_job_message *message, const struct member *member)
{
    switch (member->type) {
    case TEXT:
        return text_of(message, member)[0] != '\0';
    case NUMBER:
        return number_of(message, member) != 0;
    case DATA:
        return message->data_bytes > 0;
    case FIGURES:
        return message->operation == MSP_JOB_FIGURES;
    case VERSION:
    case OPERATION:
        break;
    }
    return true;
}

static void pack_value(msgpack_packer *packer, const struct msp_job_message *message,
                       const struct member *member)
{
    switch (member->type) {
    case VERSION:
        (void)msgpack_pack_int(packer, MSP_JOB_MESSAGE_VERSION);
        break;
    case OPERATION:
        (void)msgpack_pack_int(packer, (int)message->operation);
        break;
    case TEXT:
        (void)msgpack_pack_str_with_body(packer, text_of(message, member),
                                         strlen(text_of(message, member)));
        break;
    case NUMBER:
        (void)msgpack_pack_int64(packer, number_of(message, member));
        break;
    case DATA:
        (void)msgpack_pack_bin_with_body(packer, message->data, message->data_bytes);
        break;
    case FIGURES:
        (void)msgpack_pack_array(packer, MSP_WORKER_FIGURES);
        for (size_t i = 0; i < MSP_WORKER_FIGURES; i++) {
            (void)msgpack_pack_int64(packer, message->figures[i]);
        }
        break;
    }
}

static void pack_body(const struct msp_job_message *message, struct msp_buffer *body)
{
    msgpack_packer packer;
    size_t count = 0;
    for (size_t key = 0; key < KEYS; key++) {
        count += is_said(message, &members[key]) ? 1 : 0;
    }
    msgpack_packer_init(&packer, body, append_to_buffer);
    (void)msgpack_pack_map(&packer, count);
    for (size_t key = 0; key < KEYS; key++) {
        if (is_said(message, &members[key])) {
            (void)msgpack_pack_int(&packer, (int)key);
            pack_value(&packer, message, &members[key]);
        }
    }
}

static void put_length(unsigned char out[4], uint32_t length)
{
    out[0] = (unsigned char)(length >> 24);
    out[1] = (unsigned char)(length >> 16);
    out[2] = (unsigned char)(length >> 8);
    out[3] = (unsigned char)length;
}

static bool is_uuid(const char *text)
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

static bool is_sha256(const char *text)
{
    return strspn(text, "0123456789abcdef") == MSP_SHA256_HEX_BYTES - 1;
}

/* Which operations there are, and what each cannot do without. */
static const struct demand {
    bool known, job, export;
} demands[] = {
    [MSP_JOB_WAKE] = {.known = true},
    [MSP_JOB_SUBSCRIBE] = {.known = true, .job = true},
    [MSP_JOB_PROGRESS] = {.known = true, .job = true},
    [MSP_JOB_ENDED] = {.known = true, .job = true},
    [MSP_JOB_CANCEL] = {.known = true, .job = true},
    [MSP_JOB_STATUS] = {.known = true},
    [MSP_JOB_FIGURES] = {.known = true},
    [MSP_JOB_FETCH] = {.known = true, .export = true},
    [MSP_JOB_DATA] = {.known = true},
    [MSP_JOB_DATA_END] = {.known = true},
    [MSP_JOB_REFUSED] = {.known = true},
};

static bool is_operation(int64_t number)
{
    return number > 0 && (size_t)number < sizeof demands / sizeof demands[0] &&
           demands[number].known;
}

static enum msp_result check_texts(const struct msp_job_message *message, struct msp_error *error)
{
    for (size_t key = 0; key < KEYS; key++) {
        const struct member *member = &members[key];
        if (member->type == TEXT && memchr(text_of(message, member), '\0', member->size) == NULL) {
            return refuse(error, "a text is too long");
        }
    }
    const struct demand *demand = &demands[message->operation];
    if ((demand->job || message->job_id[0] != '\0') && !is_uuid(message->job_id)) {
        return refuse(error, "its job id is not a UUID in lower case");
    }
    if ((demand->export || message->export_id[0] != '\0') && !is_uuid(message->export_id)) {
        return refuse(error, "its export id is not a UUID in lower case");
    }
    if ((demand->export || message->sha256[0] != '\0') && !is_sha256(message->sha256)) {
        return refuse(error, "its SHA-256 is not 64 hexadecimal digits");
    }
    return MSP_OK;
}

/* What holds for a message on its way out as on its way in. */
static enum msp_result check_meaning(const struct msp_job_message *message, struct msp_error *error)
{
    if (!is_operation(message->operation)) {
        return refuse(error, "its operation is unknown");
    }
    for (size_t key = 0; key < KEYS; key++) {
        if (members[key].type == NUMBER && number_of(message, &members[key]) < 0) {
            return refuse(error, "it has a negative number");
        }
    }
    for (size_t i = 0; i < MSP_WORKER_FIGURES; i++) {
        if (message->figures[i] < 0) {
            return refuse(error, "it has a negative figure");
        }
    }
    if (demands[message->operation].export && (message->tenant_id == 0 || message->length == 0 ||
                                               message->length > INT64_MAX - message->offset)) {
        return refuse(error, "it asks for no part of an export of a tenant");
    }
    if (message->data_bytes > MSP_FETCH_DATA_BYTES) {
        return refuse(error, "it carries too much data");
    }
    bool refusal = message->operation == MSP_JOB_REFUSED;
    if (message->result > MSP_BROKEN || (refusal && message->result == MSP_OK)) {
        return refuse(error, "its result is unknown");
    }
    return check_texts(message, error);
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

static bool read_data(const msgpack_object *value, struct msp_job_message *message)
{
    if (value->type != MSGPACK_OBJECT_BIN) {
        return false;
    }
    message->data = value->via.bin.size > 0 ? value->via.bin.ptr : NULL;
    message->data_bytes = value->via.bin.size;
    return true;
}

/* A later version may know more figures. */
static bool read_figures(const msgpack_object *value, struct msp_job_message *message)
{
    if (value->type != MSGPACK_OBJECT_ARRAY) {
        return false;
    }
    for (uint32_t i = 0; i < value->via.array.size && i < MSP_WORKER_FIGURES; i++) {
        if (!read_number(&value->via.array.ptr[i], &message->figures[i])) {
            return false;
        }
    }
    return true;
}

static enum msp_result read_member(const struct member *member, const msgpack_object *value,
                                   struct msp_job_message *message, struct msp_error *error)
{
    int64_t number = 0;
    bool good = false;
    switch (member->type) {
    case VERSION:
        good = read_number(value, &number);
        if (good && number != MSP_JOB_MESSAGE_VERSION) {
            return refuse(error, "its version is unknown");
        }
        break;
    case OPERATION:
        good = read_number(value, &number) && is_operation(number);
        message->operation = good ? (enum msp_job_operation)number : MSP_JOB_WAKE;
        break;
    case TEXT:
        good = read_text(value, (char *)message + member->offset, member->size);
        break;
    case NUMBER:
        good = read_number(value, &number);
        memcpy((char *)message + member->offset, &number, sizeof number);
        break;
    case DATA:
        good = read_data(value, message);
        break;
    case FIGURES:
        good = read_figures(value, message);
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
        enum msp_result result = read_member(&members[key], &member->val, &message, error);
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
