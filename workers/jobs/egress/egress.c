/*
 * One call by HTTP. A host that a caller named gets a handle of its own that is thrown away, so
 * that no connection, address or TLS session is shared with our own hosts.
 */
#include "egress/egress.h"

#include "egress/egress_handle.h"
#include "msp/clock.h"
#include "msp/egress_allow.h"
#include "msp/log.h"
#include "msp/status_board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The process's, as its log is: whoever calls out is counted. */
static struct msp_status_board *figures_board;

void msp_egress_count_on(struct msp_status_board *board)
{
    figures_board = board;
}

#define DEFAULT_LIMIT_BYTES (64 << 10)
#define HEADER_LIMIT_BYTES  (64U << 10)
#define TRANSFER_BUFFER     (256L << 10)
#define SERVICE             "s3"

/* What the owners differ in. */
static const struct owner {
    /* Whether the address may be called, and how far it may lead; NULL: it may lead anywhere. */
    enum msp_result (*check)(const char *list, const char *url, enum msp_egress_reach *out_reach,
                             struct msp_error *error);
    bool is_kept;
    bool is_terse;
    bool is_bulky;     /* moves whole exports */
    long slow_seconds; /* so long it may stand still */
} owners[MSP_EGRESS_OWNERS] = {
    [MSP_EGRESS_GIVEN] = {msp_egress_allow_check, .is_terse = true, .slow_seconds = 10},
    /* An object storage and a help desk may think before they answer. */
    [MSP_EGRESS_OURS] = {NULL, .is_kept = true, .is_bulky = true, .slow_seconds = 30},
    [MSP_EGRESS_SOURCE] = {msp_egress_source_check, .is_kept = true, .is_terse = true,
                           .slow_seconds = 30},
};

struct call {
    const struct owner *owner;
    const char *trace; /* "" = none */
    const struct msp_egress_request *request;
    struct msp_egress_response *response;
    struct msp_egress_url url;
    CURL *handle;
    struct curl_slist *fields;
    struct egress_guard guard;
    int64_t body_offset;
    int64_t received_bytes;
    size_t header_bytes;
    bool too_large;
    bool packed;
    bool sink_refused;
    bool body_unreadable;
};

struct msp_egress *msp_egress_new(const char *allow)
{
    struct msp_egress *egress = calloc(1, sizeof *egress);
    if (egress == NULL) {
        return NULL;
    }
    egress->allow = strdup(allow);
    if (egress->allow == NULL || !msp_egress_ready()) {
        msp_egress_free(egress);
        return NULL;
    }
    return egress;
}

void msp_egress_free(struct msp_egress *egress)
{
    if (egress != NULL) {
        for (size_t i = 0; i < MSP_EGRESS_OWNERS; i++) {
            curl_easy_cleanup(egress->kept[i]);
        }
        free(egress->allow);
        free(egress);
    }
}

void msp_egress_trace(struct msp_egress *egress, const char *trace)
{
    (void)snprintf(egress->trace, sizeof egress->trace, "%s", trace != NULL ? trace : "");
}

void msp_egress_response_done(struct msp_egress_response *response)
{
    msp_buffer_done(&response->body);
}

/* ---- what libcurl asks of us while it works ---- */

static size_t give_body(char *to, size_t size, size_t count, void *context)
{
    struct call *call = context;
    const struct msp_egress_request *request = call->request;
    int64_t left = request->body_bytes - call->body_offset;
    size_t room = size * count;
    size_t given = left < (int64_t)room ? (size_t)left : room;
    if (given == 0) {
        return 0;
    }
    if (request->body != NULL) {
        memcpy(to, (const char *)request->body + call->body_offset, given);
    } else if (!request->read(request->context, call->body_offset, to, given)) {
        call->body_unreadable = true;
        return CURL_READFUNC_ABORT;
    }
    call->body_offset += (int64_t)given;
    return given;
}

/* A kept connection that turns out to be closed makes libcurl send the body again. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
    struct call *call = context;
    if (origin != SEEK_SET || offset < 0 || offset > call->request->body_bytes) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    call->body_offset = offset;
    return CURL_SEEKFUNC_OK;
}

static bool goes_to_sink(const struct call *call)
{
    long status = 0;
    (void)curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    return call->request->sink != NULL && status >= 200 && status < 300;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t length = size * count;
    bool to_sink = goes_to_sink(call);
    int64_t limit = call->request->limit_bytes > 0 && (to_sink || call->request->sink == NULL)
                        ? call->request->limit_bytes
                        : DEFAULT_LIMIT_BYTES;
    if ((int64_t)length > limit - call->received_bytes) {
        call->too_large = true;
        return 0;
    }
    call->received_bytes += (int64_t)length;
    if (to_sink) {
        call->sink_refused = !call->request->sink(call->request->context, bytes, length);
        return call->sink_refused ? 0 : length;
    }
    msp_buffer_append(&call->response->body, bytes, length);
    return call->response->body.failed ? 0 : length;
}

static void forget_fields(const struct msp_egress_request *request)
{
    for (size_t i = 0; i < request->wanted_count; i++) {
        request->wanted[i].value[0] = '\0';
    }
}

/* The value of the line if it is that field's, without blanks around it; NULL otherwise. */
static const char *read_field(const char *line, size_t length, const char *name, size_t *out_length)
{
    size_t named = strlen(name);
    if (length <= named || line[named] != ':' || strncasecmp(line, name, named) != 0) {
        return NULL;
    }
    const char *from = line + named + 1;
    const char *end = line + length;
    while (from < end && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (end > from && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    *out_length = (size_t)(end - from);
    return from;
}

/* False if it does not fit. */
static bool keep_field(struct msp_egress_field *field, const char *line, size_t length)
{
    size_t given = 0;
    const char *value = read_field(line, length, field->name, &given);
    if (value == NULL) {
        return true;
    }
    size_t kept = strlen(field->value);
    size_t room = sizeof field->value - kept;
    int needed =
        snprintf(field->value + kept, room, "%s%.*s", kept > 0 ? ", " : "", (int)given, value);
    return needed >= 0 && (size_t)needed < room;
}

/* libcurl unpacks gzip, brotli and zstd of a transfer unasked, and a few bytes become as many as
 * their sender likes. */
static bool is_packing(const char *line, size_t length)
{
    size_t given = 0;
    const char *value = read_field(line, length, "Transfer-Encoding", &given);
    return value != NULL && (given != 7 || strncasecmp(value, "chunked", 7) != 0);
}

static size_t take_field(char *line, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t length = size * count;
    call->header_bytes += length;
    if (call->header_bytes > HEADER_LIMIT_BYTES) {
        call->too_large = true;
        return 0;
    }
    /* An interim answer (1xx) comes before the one that counts. */
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        forget_fields(call->request);
    }
    for (size_t i = 0; i < call->request->wanted_count; i++) {
        call->too_large = call->too_large || !keep_field(&call->request->wanted[i], line, length);
    }
    call->packed = call->packed || is_packing(line, length);
    return call->too_large || call->packed ? 0 : length;
}

/* ---- what we tell libcurl before ---- */

static bool is_good_field(const char *field)
{
    size_t name = strspn(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    if (name == 0 || field[name] != ':') {
        return false;
    }
    for (const char *at = field + name; *at != '\0'; at++) {
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool add_field(struct call *call, const char *field)
{
    struct curl_slist *longer = curl_slist_append(call->fields, field);
    call->fields = longer != NULL ? longer : call->fields;
    return longer != NULL;
}

static bool is_traced(const struct call *call)
{
    return call->trace[0] != '\0' && call->request->signer == NULL;
}

static bool add_trace(struct call *call)
{
    char line[96];
    uint64_t span = 0;
    while (span == 0) { /* which would be none */
        arc4random_buf(&span, sizeof span);
    }
    (void)snprintf(line, sizeof line, "traceparent: 00-%s-%016" PRIx64 "-01", call->trace, span);
    return add_field(call, line);
}

static enum msp_result add_fields(struct call *call, struct msp_error *error)
{
    const struct msp_egress_request *request = call->request;
    bool typed = false;
    bool added = true;
    for (const char *const *field = request->fields; field != NULL && *field != NULL; field++) {
        if (!is_good_field(*field)) {
            return msp_fail(error, MSP_INVALID, "field_malformed",
                            "A field of the call to %s holds a control character.", call->url.host);
        }
        typed = typed || strncasecmp(*field, "Content-Type:", 13) == 0;
        bool is_ours = is_traced(call) && strncasecmp(*field, "traceparent:", 12) == 0;
        added = added && (is_ours || add_field(call, *field));
    }
    if (request->signer != NULL) {
        char line[128];
        (void)snprintf(line, sizeof line, "x-amz-content-sha256: %s",
                       request->signer->content_sha256);
        added = added && add_field(call, line);
    }
    added = added && (!is_traced(call) || add_trace(call));
    /* libcurl would call every posted body a form; a field that is taken away it would sign. */
    added = added && (typed || request->signer != NULL || add_field(call, "Content-Type:"));
    /* A second of waiting for "100 Continue" is worth it only before a big body. */
    added = added && (call->owner->is_bulky || add_field(call, "Expect:"));
    return added ? MSP_OK
                 : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a call to %s.",
                            call->url.host);
}

static bool set_method(struct call *call)
{
    static const struct {
        const char *name;
        CURLoption option;
    } methods[] = {
        {"GET", CURLOPT_HTTPGET},
        {"HEAD", CURLOPT_NOBODY},
        {"PUT", CURLOPT_UPLOAD},
        {"POST", CURLOPT_POST},
    };
    CURL *handle = call->handle;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(call->request->method, methods[i].name) == 0) {
            return curl_easy_setopt(handle, methods[i].option, 1L) == CURLE_OK;
        }
    }
    return curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->request->method) == CURLE_OK;
}

static bool set_body(struct call *call)
{
    CURL *handle = call->handle;
    curl_off_t bytes = call->request->body_bytes;
    return curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, bytes) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, bytes) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READDATA, call) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, rewind_body) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SEEKDATA, call) == CURLE_OK;
}

static bool set_answer(struct call *call)
{
    CURL *handle = call->handle;
    return curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_field) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_USERAGENT, "msp-analytics/" MSP_VERSION) == CURLE_OK;
}

static bool set_signer(struct call *call)
{
    const struct msp_egress_s3_signer *signer = call->request->signer;
    char how[96];
    if (signer == NULL) {
        return true;
    }
    int length = snprintf(how, sizeof how, "aws:amz:%s:" SERVICE, signer->region);
    return length > 0 && (size_t)length < sizeof how &&
           curl_easy_setopt(call->handle, CURLOPT_AWS_SIGV4, how) == CURLE_OK &&
           curl_easy_setopt(call->handle, CURLOPT_USERNAME, signer->access_key) == CURLE_OK &&
           curl_easy_setopt(call->handle, CURLOPT_PASSWORD, signer->secret_key) == CURLE_OK;
}

static bool set_owner(struct call *call)
{
    CURL *handle = call->handle;
    const struct owner *owner = call->owner;
    long slow_seconds = call->request->is_patient ? 0 : owner->slow_seconds;
    return curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, slow_seconds) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, owner->is_kept ? 0L : 1L) == CURLE_OK &&
           (!owner->is_bulky ||
            (curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER) == CURLE_OK &&
             curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, TRANSFER_BUFFER) == CURLE_OK));
}

static enum msp_result prepare(struct call *call, struct msp_error *error)
{
    CURL *handle = call->handle;
    enum msp_result result = add_fields(call, error);
    if (result != MSP_OK) {
        return result;
    }
    bool ready = msp_egress_guard_handle(handle, &call->guard, "http,https") && set_answer(call) &&
                 set_body(call) && set_method(call) && set_signer(call) && set_owner(call) &&
                 curl_easy_setopt(handle, CURLOPT_HTTPHEADER, call->fields) == CURLE_OK &&
                 curl_easy_setopt(handle, CURLOPT_URL, call->request->url) == CURLE_OK;
    return ready ? MSP_OK
                 : msp_fail(error, MSP_NO_MEMORY, "no_memory",
                            "The call to %s could not be prepared.", call->url.host);
}

/* ---- the call ---- */

static enum msp_result judge(const struct call *call, CURLcode code, struct msp_error *error)
{
    if (code == CURLE_OK) {
        return MSP_OK;
    }
    /* libcurl says "no memory" of one header line past 100 KiB. */
    if (call->too_large || (code == CURLE_OUT_OF_MEMORY && call->header_bytes > 0)) {
        return msp_fail(error, MSP_TOO_LARGE, "egress_too_large",
                        "The answer of %s is larger than it may be.", call->url.host);
    }
    if (call->packed) {
        return msp_fail(error, MSP_UNAVAILABLE, "egress_unreachable",
                        "%s answered in a packed transfer, which nobody asked it for.",
                        call->url.host);
    }
    if (call->response->body.failed) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the answer of %s.",
                        call->url.host);
    }
    if (call->body_unreadable) {
        return msp_fail(error, MSP_BROKEN, "body_unreadable",
                        "What was to be sent to %s could not be read.", call->url.host);
    }
    if (call->sink_refused) {
        return msp_fail(error, MSP_CANCELLED, "stopping", "Nobody wants the rest of what %s sends.",
                        call->url.host);
    }
    return msp_egress_fail(&call->guard, code, call->url.host, error);
}

static void tell(const struct call *call, enum msp_result result, const struct msp_error *error)
{
    const struct msp_egress_response *response = call->response;
    char status[16];
    char bytes[64];
    char ms[24];
    (void)snprintf(status, sizeof status, "%d", response->status);
    (void)snprintf(bytes, sizeof bytes, "%" PRId64 "/%" PRId64, response->sent_bytes,
                   response->received_bytes);
    (void)snprintf(ms, sizeof ms, "%" PRId64, response->ms);
    /* An export makes hundreds of calls to its storage; those that went well are for a closer
     * look. */
    bool is_usual = result == MSP_OK && response->status >= 200 && response->status < 300 &&
                    call->request->signer != NULL;
    msp_log(is_usual ? MSP_LOG_DEBUG : MSP_LOG_INFO, "Called out", "purpose",
            call->request->purpose, "method", call->request->method, "host",
            call->url.host[0] != '\0' ? call->url.host : NULL, "status",
            response->status > 0 ? status : NULL, "sent_received_bytes", bytes, "ms", ms, "code",
            result != MSP_OK ? error->code : NULL, "trace",
            call->trace[0] != '\0' ? call->trace : NULL, NULL);
}

static void count(const struct call *call, enum msp_result result)
{
    if (figures_board == NULL)
        return;
    struct msp_board_egress *row = msp_board_egress_of(figures_board, call->request->purpose);
    bool refused = result == MSP_FORBIDDEN || result == MSP_INVALID;
    bool rejected = call->response->status >= 400;
    msp_board_add(result == MSP_OK ? (rejected ? &row->rejected : &row->answered)
                  : refused        ? &row->refused
                                   : &row->failed,
                  1);
}

static enum msp_result perform(struct call *call, struct msp_error *error)
{
    long status = 0;
    curl_off_t sent = 0;
    int64_t began_ms = msp_clock_monotonic_ms();
    enum msp_result result = judge(call, curl_easy_perform(call->handle), error);
    (void)curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->handle, CURLINFO_SIZE_UPLOAD_T, &sent);
    call->response->status = (int)status;
    call->response->sent_bytes = sent;
    call->response->received_bytes = call->received_bytes;
    call->response->ms = msp_clock_monotonic_ms() - began_ms;
    tell(call, result, error);
    count(call, result);
    return result;
}

/* Whether the address may be called at all, and how far it may lead. */
static enum msp_result admit(const struct msp_egress *egress, struct call *call,
                             struct msp_error *error)
{
    enum msp_result result = msp_egress_url_parse(call->request->url, &call->url, error);
    if (result != MSP_OK || call->owner->check == NULL) {
        return result;
    }
    enum msp_egress_reach reach;
    result = call->owner->check(egress->allow, call->request->url, &reach, error);
    if (result == MSP_OK) {
        call->guard.public_only = reach == MSP_EGRESS_PUBLIC;
    }
    return result;
}

static CURL *take_handle(struct msp_egress *egress, enum msp_egress_owner owner)
{
    CURL **kept = &egress->kept[owner];
    if (!owners[owner].is_kept) {
        return curl_easy_init();
    }
    if (*kept == NULL) {
        *kept = curl_easy_init();
    } else {
        curl_easy_reset(*kept); /* keeps its connections */
    }
    return *kept;
}

enum msp_result msp_egress_call(struct msp_egress *egress, const struct msp_egress_request *request,
                                struct msp_egress_response *out, struct msp_error *error)
{
    struct msp_egress_response response = {.status = 0};
    struct call call = {
        .owner = &owners[request->owner],
        .trace = egress->trace,
        .request = request,
        .response = &response,
        .guard = {.is_terse = owners[request->owner].is_terse,
                  .deadline_ms = request->deadline_ms,
                  .should_stop = request->should_stop,
                  .context = request->context},
    };
    msp_buffer_init(&response.body, 0);
    forget_fields(request);
    enum msp_result result = admit(egress, &call, error);
    if (result != MSP_OK) {
        tell(&call, result, error);
        count(&call, result);
        return result;
    }
    call.handle = take_handle(egress, request->owner);
    if (call.handle == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a call to %s.",
                        call.url.host);
    }
    result = prepare(&call, error);
    if (result == MSP_OK) {
        result = perform(&call, error);
    }
    curl_easy_reset(call.handle); /* it must not keep what lies on this stack */
    curl_slist_free_all(call.fields);
    if (!call.owner->is_kept) {
        curl_easy_cleanup(call.handle);
    }
    if (result == MSP_OK) {
        *out = response;
    } else {
        msp_egress_response_done(&response);
    }
    return result;
}
