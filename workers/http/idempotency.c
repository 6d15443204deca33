/* Reads the Idempotency-Key and takes the fingerprint of what it was sent with. Keeps nothing. */
#include "idempotency.h"

#include "body.h"
#include "route.h"

#include <civetweb.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char field_name[] = "Idempotency-Key";

/* RFC 8941 section 3.3.3: a string, its quotes and backslashes escaped by a backslash. */
static bool parse_quoted(const char *value, char *out, size_t *out_length)
{
    size_t length = 0;
    const char *at = value + 1;
    for (; *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        else if (*at < ' ' || *at > '~' || *at == '\\')
            return false;
        if (length == MSP_IDEMPOTENCY_KEY_BYTES - 1)
            return false;
        out[length++] = *at;
    }
    *out_length = length;
    return at[1] == '\0';
}

static bool parse_bare(const char *value, char *out, size_t *out_length)
{
    size_t length = strlen(value);
    if (length >= MSP_IDEMPOTENCY_KEY_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"')
            return false;
        out[i] = value[i];
    }
    *out_length = length;
    return true;
}

bool msp_idempotency_parse_key(const char *value, char *out)
{
    size_t length = 0;
    bool well = *value == '"' ? parse_quoted(value, out, &length) : parse_bare(value, out, &length);
    out[well ? length : 0] = '\0';
    return well && length > 0;
}

/* One text into the fingerprint, closed so that no two lists of texts run into the same bytes. */
static bool add(EVP_MD_CTX *digest, const char *text)
{
    return EVP_DigestUpdate(digest, text, strlen(text) + 1) == 1;
}

static bool take_fingerprint(const struct msp_request *request, unsigned char *out)
{
    const struct msp_body *body = request->body;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool well = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                add(digest, request->path);
    for (size_t i = 0; well && i < request->query_count; i++)
        well = add(digest, request->query[i].name) && add(digest, request->query[i].value);
    if (well && body->has_digest)
        well = EVP_DigestUpdate(digest, body->digest, sizeof body->digest) == 1;
    well = well && EVP_DigestFinal_ex(digest, out, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return well;
}

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
}

enum msp_result msp_idempotency_note_body(const struct msp_request *request, const json_t *body,
                                          struct msp_error *error)
{
    struct msp_body *noted = request->body;
    if (msp_request_header(request, field_name) == NULL)
        return MSP_OK;
    /* The order of members and the blanks between them are no part of what was asked. */
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    noted->has_digest = text != NULL && EVP_Digest(text, strlen(text), noted->digest, NULL,
                                                   EVP_sha256(), NULL) == 1;
    free(text);
    return noted->has_digest ? MSP_OK : no_memory(error);
}

/* How many fields of that name the request has; with two of them nobody knows which one counts. */
static int count_fields(const struct msp_request *request)
{
    const struct mg_request_info *info = mg_get_request_info(request->connection);
    int count = 0;
    for (int i = 0; i < info->num_headers; i++)
        count += strcasecmp(info->http_headers[i].name, field_name) == 0;
    return count;
}

enum msp_result msp_idempotency_read(const struct msp_request *request, struct msp_idempotency *out,
                                     bool *out_given, struct msp_error *error)
{
    struct msp_idempotency read = {.tenant_id = request->caller.tenant.id,
                                   .route = request->route->path};
    int count = count_fields(request);
    if (count == 0) {
        *out_given = false;
        return MSP_OK;
    }
    if (count > 1 || !msp_idempotency_parse_key(msp_request_header(request, field_name), read.key))
        return msp_fail(error, MSP_INVALID, "idempotency_key_malformed",
                        "Send one Idempotency-Key of 1 to 255 characters of printable ASCII, best "
                        "a new UUID for each new request.");
    (void)snprintf(read.caller, sizeof read.caller, "%d %s", (int)request->caller.role,
                   request->caller.subject);
    if (!take_fingerprint(request, read.fingerprint))
        return no_memory(error);
    *out = read;
    *out_given = true;
    return MSP_OK;
}

void msp_idempotency_mark(const struct msp_idempotency *idempotency, struct msp_response *response)
{
    if (idempotency->replayed)
        msp_response_header(response, "Idempotent-Replayed", "true");
}
