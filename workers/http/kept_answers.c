/* Between the router and the answer cache: what an answer depends on, and its entity tag. */
#include "kept_answers.h"

#include "conditional.h"
#include "gzip_body.h"
#include "http_worker.h"
#include "route.h"

#include "msp/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define JSON "application/json"

/*
 * Answers about a tenant's days change when a day ends, with nothing written. Local midnights fall
 * on whole quarters of an hour of UTC in every zone in use, so no answer outlives one.
 */
#define QUARTER_OF_AN_HOUR_US INT64_C(900000000)

/* Two quotes, 32 digits and a NUL. */
#define ETAG_BYTES 35

static char *write_hex(uint64_t number, char *out)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[number >> shift & 15];
    return out;
}

static void format_etag(struct msp_answer_tag tag, char out[ETAG_BYTES])
{
    *out++ = '"';
    out = write_hex(tag.low, write_hex(tag.high, out));
    *out++ = '"';
    *out = '\0';
}

/* The length in four letters, so that no value runs into what stands behind it. */
static size_t write_pair(const char *name, size_t name_length, const char *value,
                         size_t value_length, char *out)
{
    char *at = out + name_length;
    memcpy(out, name, name_length);
    *at++ = '=';
    for (int shift = 12; shift >= 0; shift -= 4)
        *at++ = (char)('a' + (value_length >> shift & 15));
    memcpy(at, value, value_length + 1);
    return (size_t)(at - out) + value_length;
}

/*
 * The query in the order of the route's names, each value with its length before it, so that one
 * text stands for one question. False if it is too long to be kept.
 */
static bool write_canonical_query(const struct msp_request *request, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const char *name = request->route->query_names; *name != '\0';) {
        size_t length = strcspn(name, " ");
        for (size_t i = 0; i < request->query_count; i++) {
            const struct msp_query_pair *pair = &request->query[i];
            if (strlen(pair->name) != length || strncmp(pair->name, name, length) != 0)
                continue;
            size_t value_length = strlen(pair->value);
            /* Name, "=", four bytes of length, value and the NUL. */
            if (length + value_length + 6 > size - used)
                return false;
            used += write_pair(pair->name, length, pair->value, value_length, out + used);
        }
        name += length + strspn(name + length, " ");
    }
    return true;
}

/* Roles that see the same share answers; a client sees no technician. */
static unsigned view_of(enum msp_role role, bool gzip)
{
    return (role == MSP_ROLE_CLIENT ? 1 : 0) | (gzip ? 2 : 0);
}

/* The tag the caller says it has, where it names exactly one of ours; others are compared later. */
static bool read_known_tag(const char *field, struct msp_answer_tag *out)
{
    char again[ETAG_BYTES];
    if (field == NULL || strlen(field) != ETAG_BYTES - 1 ||
        sscanf(field, "\"%16" SCNx64 "%16" SCNx64 "\"", &out->high, &out->low) != 2)
        return false;
    format_etag(*out, again);
    return strcmp(field, again) == 0;
}

/* A copy of one's own may be kept, but is asked about each time. */
static void tag_response(struct msp_response *response, struct msp_answer_tag tag)
{
    char etag[ETAG_BYTES];
    format_etag(tag, etag);
    response->cache_control = "private, no-cache";
    msp_buffer_append_text(&response->headers, "Vary: Accept-Encoding\r\nETag: ");
    msp_buffer_append_text(&response->headers, etag);
    msp_buffer_append_text(&response->headers, "\r\n");
}

static int send_json(struct msp_response *response)
{
    response->content_type = JSON;
    if (msp_body_is_gzip(&response->body))
        msp_buffer_append_text(&response->headers, "Content-Encoding: gzip\r\n");
    return 200;
}

static int not_modified(struct msp_response *response)
{
    response->content_type = NULL;
    msp_buffer_clear(&response->body);
    return 304;
}

/* Whether the caller's If-None-Match names the tag. */
static bool caller_has(const struct msp_request *request, struct msp_answer_tag tag)
{
    char etag[ETAG_BYTES];
    format_etag(tag, etag);
    return msp_if_none_match(msp_request_header(request, "If-None-Match"), etag);
}

int64_t msp_kept_answer_moment_us(void)
{
    int64_t now_us = msp_clock_unix_us();
    return now_us - now_us % QUARTER_OF_AN_HOUR_US;
}

int msp_kept_answer_find(const struct msp_request *request, struct msp_response *response,
                         struct msp_kept_answer *kept)
{
    struct msp_answer_cache *cache = request->worker->child->shared->answers;
    kept->wanted = false;
    kept->tagged = request->route->answer_rule != MSP_ANSWER_SENT;
    kept->gzip = kept->tagged && msp_accepts_gzip(msp_request_header(request, "Accept-Encoding"));
    if (request->route->answer_rule != MSP_ANSWER_KEPT ||
        !write_canonical_query(request, kept->query, sizeof kept->query))
        return 0;
    int64_t now_us = msp_clock_unix_us();
    int64_t tenant_id = request->caller.tenant.id;
    kept->wanted = true;
    kept->until_unix_us = (now_us / QUARTER_OF_AN_HOUR_US + 1) * QUARTER_OF_AN_HOUR_US;
    kept->key = (struct msp_answer_key){.tenant_id = tenant_id,
                                        .version = msp_answer_cache_version(cache, tenant_id),
                                        .view = view_of(request->caller.role, kept->gzip),
                                        .route = request->route->path,
                                        .query = kept->query};
    struct msp_answer_tag known;
    struct msp_answer_tag tag;
    bool knows = read_known_tag(msp_request_header(request, "If-None-Match"), &known);
    if (!request->settings->answer_cache)
        return 0;
    enum msp_answer_found found = msp_answer_cache_find(
        cache, &kept->key, now_us, knows ? &known : NULL, &response->body, &tag);
    if (found == MSP_ANSWER_NONE)
        return 0;
    tag_response(response, tag);
    if (found == MSP_ANSWER_SAME || caller_has(request, tag))
        return not_modified(response);
    return send_json(response);
}

int msp_kept_answer_keep(const struct msp_request *request, struct msp_response *response,
                         const struct msp_kept_answer *kept, int status)
{
    bool plain = response->content_type != NULL && strcmp(response->content_type, JSON) == 0 &&
                 response->next == NULL && response->headers.length == 0;
    if (!kept->tagged || status != 200 || !plain)
        return status;
    if (kept->gzip)
        msp_gzip_body(&response->body, request->arena);
    /* Told apart by content alone, so that a tag holds on every node and after every start. */
    XXH128_hash_t hash = XXH3_128bits(response->body.data, response->body.length);
    struct msp_answer_tag tag = {hash.high64, hash.low64};
    if (kept->wanted && request->settings->answer_cache)
        msp_answer_cache_keep(request->worker->child->shared->answers, &kept->key, tag,
                              response->body.data, response->body.length, msp_clock_unix_us(),
                              kept->until_unix_us);
    tag_response(response, tag);
    return caller_has(request, tag) ? not_modified(response) : send_json(response);
}
