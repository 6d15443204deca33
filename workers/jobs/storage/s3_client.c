/*
 * Signed calls and what their refusals mean. libcurl 7.88 signs path and query as they are typed,
 * so both are typed in canonical form; it signs the hash it is given, so the true one is.
 */
#include "storage/s3_client.h"

#include "msp/clock.h"
#include "storage/s3_call.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES                4
#define FIRST_PAUSE_MS       500 /* doubled at each try, and up to as much again at random */
#define CALL_MS              60000
#define SLOWEST_BYTES_PER_MS 100
#define LAST_WORD_MS         3000
#define HASH_BLOCK_BYTES     (64U << 10)
#define URL_BYTES            2048

static const char scheme[] = "s3://";

enum msp_result msp_s3_client_init(struct msp_s3_client *client,
                                   const struct msp_settings *settings, const char *url,
                                   struct msp_egress *egress, bool (*should_stop)(void *context),
                                   void *context, struct msp_error *error)
{
    *client = (struct msp_s3_client){.egress = egress,
                                     .owns_egress = egress == NULL,
                                     .settings = settings,
                                     .should_stop = should_stop,
                                     .context = context};
    const char *bucket =
        strncmp(url, scheme, sizeof scheme - 1) == 0 ? url + sizeof scheme - 1 : "";
    size_t length = strcspn(bucket, "/");
    const char *prefix = bucket + length + strspn(bucket + length, "/");
    size_t prefix_length = strlen(prefix);
    if (length == 0 || length >= sizeof client->bucket ||
        prefix_length + 2 > sizeof client->prefix) {
        return msp_fail(error, MSP_INVALID, "storage_malformed",
                        "EXPORT_STORAGE must name a bucket, as in s3://bucket/prefix.");
    }
    memcpy(client->bucket, bucket, length);
    memcpy(client->prefix, prefix, prefix_length);
    if (prefix_length > 0 && prefix[prefix_length - 1] != '/') {
        client->prefix[prefix_length] = '/';
    }
    if (client->owns_egress) {
        client->egress = msp_egress_new("");
    }
    return client->egress != NULL
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to reach the storage.");
}

void msp_s3_client_done(struct msp_s3_client *client)
{
    if (client->owns_egress) {
        msp_egress_free(client->egress);
    }
    client->egress = NULL;
}

/* ---- addresses ---- */

bool msp_s3_encode(const char *text, bool keep_slashes, char *out, size_t size)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t length = 0;
    for (; *text != '\0'; text++) {
        bool is_plain = strchr(plain, *text) != NULL || (keep_slashes && *text == '/');
        int added = snprintf(out + length, size - length, is_plain ? "%c" : "%%%02X",
                             (unsigned)(unsigned char)*text);
        length += added > 0 ? (size_t)added : size;
        if (length >= size) {
            return false;
        }
    }
    out[length] = '\0';
    return true;
}

/* Bytes that no service, proxy or signer reads in two ways; "=" is encoded. */
static bool is_safe_key(const char *key)
{
    static const char safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=";
    size_t length = strlen(key);
    return length > 0 && key[0] != '/' && key[length - 1] != '/' &&
           key[strspn(key, safe)] == '\0' && strstr(key, "//") == NULL && strstr(key, "./") == NULL;
}

static enum msp_result make_url(const struct msp_s3_client *client, const struct s3_call *call,
                                char out[URL_BYTES], struct msp_error *error)
{
    char key[MSP_S3_KEY_BYTES] = "";
    char encoded[3 * MSP_S3_KEY_BYTES] = "";
    const char *endpoint = client->settings->s3_endpoint;
    size_t host = strlen(endpoint);
    host -= host > 0 && endpoint[host - 1] == '/' ? 1 : 0;
    bool good = true;
    if (call->key != NULL) {
        int length = snprintf(key, sizeof key, "/%s%s", client->prefix, call->key);
        good = (size_t)length < sizeof key && is_safe_key(key + 1) &&
               msp_s3_encode(key, true, encoded, sizeof encoded);
    }
    int length =
        snprintf(out, URL_BYTES, "%.*s/%s%s%s%s", (int)host, endpoint, client->bucket, encoded,
                 call->query != NULL ? "?" : "", call->query != NULL ? call->query : "");
    return good && length > 0 && length < URL_BYTES
               ? MSP_OK
               : msp_fail(error, MSP_INVALID, "storage_malformed",
                          "\"%.128s\" cannot be the name of an exported object.",
                          call->key != NULL ? call->key : "");
}

/* ---- bodies ---- */

static bool read_body(void *context, int64_t offset, char *to, size_t size)
{
    const struct msp_s3_body *body = context;
    while (size > 0) {
        ssize_t got = pread(body->fd, to, size, body->offset + offset);
        if (got <= 0) {
            return false;
        }
        to += got;
        offset += got;
        size -= (size_t)got;
    }
    return true;
}

static bool update_from_file(EVP_MD_CTX *digest, const struct msp_s3_body *body)
{
    char block[HASH_BLOCK_BYTES];
    struct msp_s3_body source = *body;
    for (int64_t done = 0; done < body->bytes;) {
        int64_t left = body->bytes - done;
        size_t size = left < (int64_t)sizeof block ? (size_t)left : sizeof block;
        if (!read_body(&source, done, block, size) || EVP_DigestUpdate(digest, block, size) != 1) {
            return false;
        }
        done += (int64_t)size;
    }
    return true;
}

/* SHA-256 of the body, of nothing if there is none. */
static bool hash_body(const struct msp_s3_body *body, char out[65])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    if (good && body != NULL) {
        good = body->text != NULL ? EVP_DigestUpdate(digest, body->text, (size_t)body->bytes) == 1
                                  : update_from_file(digest, body);
    }
    good = good && EVP_DigestFinal_ex(digest, hash, &length) == 1 && length == 32;
    EVP_MD_CTX_free(digest);
    for (unsigned i = 0; good && i < length; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
    return good;
}

/* ---- one call, made again where that may help ---- */

/* What the egress gives back to our callbacks. */
struct running {
    const struct msp_s3_client *client;
    const struct s3_call *call;
    struct msp_s3_body body;
};

static bool give_bytes(void *context, int64_t offset, char *to, size_t size)
{
    struct running *running = context;
    return read_body(&running->body, offset, to, size);
}

static bool take_bytes(void *context, const char *bytes, size_t size)
{
    const struct running *running = context;
    return running->call->sink(running->call->context, bytes, size);
}

static bool should_stop(void *context)
{
    const struct running *running = context;
    return running->client->should_stop != NULL && !running->call->is_last_word &&
           running->client->should_stop(running->client->context);
}

bool msp_s3_pause(const struct msp_s3_client *client, int try)
{
    int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << (try - 1);
    int64_t until_ms = msp_clock_monotonic_ms() + pause_ms + arc4random_uniform((uint32_t)pause_ms);
    struct timespec slice = {.tv_nsec = 50 * 1000000L};
    while (msp_clock_monotonic_ms() < until_ms) {
        if (client->should_stop != NULL && client->should_stop(client->context)) {
            return false;
        }
        (void)nanosleep(&slice, NULL);
    }
    return true;
}

static int64_t call_deadline_ms(const struct s3_call *call)
{
    int64_t bytes = call->body != NULL ? call->body->bytes : 0;
    int64_t own_ms = call->own_ms != 0    ? call->own_ms
                     : call->is_last_word ? LAST_WORD_MS
                                          : CALL_MS + bytes / SLOWEST_BYTES_PER_MS;
    int64_t usual_ms = msp_clock_monotonic_ms() + own_ms;
    return call->deadline_ms != 0 && call->deadline_ms < usual_ms ? call->deadline_ms : usual_ms;
}

static bool is_worth_another_try(enum msp_result result, int status)
{
    return result == MSP_UNAVAILABLE || result == MSP_TIMED_OUT ||
           (result == MSP_OK && (status >= 500 || status == 429));
}

/* No answer (`heard` says why, *error in what words) or one that asks to come again. */
static enum msp_result fail_unavailable(const struct msp_s3_client *client, enum msp_result heard,
                                        struct msp_egress_response *response,
                                        struct msp_error *error)
{
    char words[sizeof error->detail];
    if (heard == MSP_OK) {
        (void)snprintf(words, sizeof words, "it answers %d", response->status);
        msp_egress_response_done(response);
    } else {
        (void)snprintf(words, sizeof words, "%s", error->detail);
    }
    return msp_fail(error, heard == MSP_TIMED_OUT ? MSP_TIMED_OUT : MSP_UNAVAILABLE,
                    "storage_unavailable",
                    "The object storage at %s cannot be used now (%.250s); check S3_ENDPOINT if "
                    "this stays.",
                    client->settings->s3_endpoint, words);
}

static enum msp_result perform_until_heard(const struct msp_s3_client *client,
                                           const struct s3_call *call,
                                           const struct msp_egress_request *request,
                                           struct msp_egress_response *out, struct msp_error *error)
{
    int tries = call->sink != NULL || call->is_last_word ? 1 : TRIES;
    for (int try = 1;; try++) {
        struct msp_egress_request now = *request;
        now.deadline_ms = call_deadline_ms(call);
        enum msp_result result = msp_egress_call(client->egress, &now, out, error);
        int status = result == MSP_OK ? out->status : 0;
        if (!is_worth_another_try(result, status)) {
            return result;
        }
        bool is_late = call->deadline_ms != 0 && msp_clock_monotonic_ms() >= call->deadline_ms;
        result = fail_unavailable(client, result, out, error);
        if (try == tries || is_late) {
            return result;
        }
        if (!msp_s3_pause(client, try)) {
            return msp_fail(error, MSP_CANCELLED, "stopping", "The call was stopped.");
        }
    }
}

enum msp_result msp_s3_perform(const struct msp_s3_client *client, const struct s3_call *call,
                               struct msp_egress_response *out, struct msp_error *error)
{
    char url[URL_BYTES];
    char sha256[65];
    struct running running = {.client = client, .call = call};
    enum msp_result result = make_url(client, call, url, error);
    if (result != MSP_OK) {
        return result;
    }
    if (call->body != NULL) {
        running.body = *call->body;
    }
    if (running.body.sha256 == NULL && !hash_body(call->body, sha256)) {
        return msp_fail(error, MSP_BROKEN, "storage_failed",
                        "What was to be exported could not be read back.");
    }
    struct msp_egress_s3_signer signer = {
        .region = client->settings->s3_region,
        .access_key = client->settings->s3_access_key,
        .secret_key = client->settings->s3_secret_key,
        .content_sha256 = running.body.sha256 != NULL ? running.body.sha256 : sha256,
    };
    bool from_file = call->body != NULL && call->body->text == NULL;
    struct msp_egress_request request = {
        .owner = MSP_EGRESS_OURS,
        .purpose = "s3",
        .method = call->method,
        .url = url,
        .fields = call->fields,
        .signer = &signer,
        .body = call->body != NULL ? call->body->text : NULL,
        .read = from_file ? give_bytes : NULL,
        .body_bytes = running.body.bytes,
        .sink = call->sink != NULL ? take_bytes : NULL,
        .limit_bytes = call->sink != NULL ? INT64_MAX : 4 << 20, /* a list of 1,000 uploads */
        .wanted = call->wanted,
        .wanted_count = call->wanted_count,
        .is_patient = call->is_patient,
        .should_stop = should_stop,
        .context = &running,
    };
    return perform_until_heard(client, call, &request, out, error);
}

/* ---- answers ---- */

static void resolve_entities(char *text)
{
    static const struct {
        const char *entity;
        char byte;
    } entities[] = {{"&quot;", '"'}, {"&#34;", '"'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}};
    char *to = text;
    while (*text != '\0') {
        size_t taken = 1;
        char byte = *text;
        for (size_t i = 0; byte == '&' && i < sizeof entities / sizeof entities[0]; i++) {
            size_t length = strlen(entities[i].entity);
            if (strncmp(text, entities[i].entity, length) == 0) {
                byte = entities[i].byte;
                taken = length;
                break;
            }
        }
        *to++ = byte;
        text += taken;
    }
    *to = '\0';
}

const char *msp_s3_text(const struct msp_egress_response *response, const char **out_end)
{
    const char *text = response->body.data != NULL ? response->body.data : "";
    *out_end = text + response->body.length;
    return text;
}

bool msp_s3_xml_text(const char **at, const char *end, const char *name, char *out, size_t size)
{
    char tag[64];
    int length = snprintf(tag, sizeof tag, "<%s>", name);
    const char *from = *at == NULL ? NULL : memmem(*at, (size_t)(end - *at), tag, (size_t)length);
    if (from == NULL) {
        return false;
    }
    from += length;
    const char *to = memchr(from, '<', (size_t)(end - from));
    if (to == NULL || (size_t)(to - from) >= size) {
        return false;
    }
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = '\0';
    resolve_entities(out);
    *at = to;
    return true;
}

/* The service's own word for the refusal, made of letters only. */
static void read_code(const struct msp_egress_response *response, char out[64])
{
    const char *end;
    const char *at = msp_s3_text(response, &end);
    if (!msp_s3_xml_text(&at, end, "Code", out, 64)) {
        out[0] = '\0';
    }
    for (char *byte = out; *byte != '\0'; byte++) {
        if ((*byte < 'A' || *byte > 'Z') && (*byte < 'a' || *byte > 'z')) {
            *byte = '_';
        }
    }
    if (out[0] == '\0') {
        (void)snprintf(out, 64, "%d", response->status);
    }
}

enum msp_result msp_s3_judge(const struct msp_s3_client *client, const struct s3_call *call,
                             const struct msp_egress_response *response, struct msp_error *error)
{
    char code[64];
    const char *what = call->key != NULL ? call->key : "the bucket";
    if (response->status >= 200 && response->status < 300) {
        return MSP_OK;
    }
    read_code(response, code);
    if (strcmp(code, "NoSuchBucket") == 0 || (response->status == 404 && call->key == NULL)) {
        return msp_fail(error, MSP_NOT_FOUND, "bucket_missing",
                        "The object storage at %s has no bucket \"%s\"; create it, or mend "
                        "EXPORT_STORAGE.",
                        client->settings->s3_endpoint, client->bucket);
    }
    if (response->status == 404) {
        return msp_fail(error, MSP_NOT_FOUND, "file_missing",
                        "The export storage no longer holds %s; export it again.", what);
    }
    if (response->status == 412) {
        return msp_fail(error, MSP_CONFLICT, "file_changed",
                        "%s was written anew while it was read; start again.", what);
    }
    if (response->status == 401 || response->status == 403) {
        return msp_fail(error, MSP_FORBIDDEN, "storage_refused",
                        "The object storage at %s refuses our call for %s (%s); check "
                        "S3_ACCESS_KEY, S3_SECRET_KEY and S3_REGION, this machine's clock, and "
                        "the key's rights in bucket \"%s\".",
                        client->settings->s3_endpoint, what, code, client->bucket);
    }
    if (response->status >= 300 && response->status < 400) {
        return msp_fail(error, MSP_INVALID, "storage_refused",
                        "The object storage at %s sends us elsewhere (%s); check S3_ENDPOINT and "
                        "S3_REGION.",
                        client->settings->s3_endpoint, code);
    }
    return msp_fail(error, MSP_BROKEN, "storage_failed",
                    "The object storage at %s does not take our call for %s (%d, %s).",
                    client->settings->s3_endpoint, what, response->status, code);
}

enum msp_result msp_s3_do(const struct msp_s3_client *client, const struct s3_call *call,
                          struct msp_error *error)
{
    struct msp_egress_response response = {.status = 0};
    enum msp_result result = msp_s3_perform(client, call, &response, error);
    if (result != MSP_OK) {
        return result;
    }
    result = msp_s3_judge(client, call, &response, error);
    msp_egress_response_done(&response);
    return result;
}

enum msp_result msp_s3_put(const struct msp_s3_client *client, const char *key,
                           const struct msp_s3_body *body, struct msp_error *error)
{
    struct s3_call call = {.method = "PUT", .key = key, .body = body};
    return msp_s3_do(client, &call, error);
}
