/*
 * Exported files under stable addresses, for Power BI and whoever reads CSV. The bytes come from
 * the job worker; which file it is, and whether the client has it already, is known without it.
 */
#include "handlers.h"

#include "../conditional.h"
#include "../export_fetch.h"
#include "../http_worker.h"
#include "../request_actor.h"
#include "inputs.h"
#include "msp/export_lookup.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* Kept by the client alone, and asked about each time. */
#define KEPT_BUT_ASKED "private, no-cache"
/* How often a record may change under us before it is a fault. */
#define LOOKS 3
/* An ETag's 64 digits, "-gzip" and quotes. */
#define ETAG_BYTES 80

struct download {
    const struct msp_request *request;
    const char *dataset; /* its latest file, or NULL: */
    const char *id;      /* this file */
    struct msp_export_file file;
    bool gzip_coding; /* a .gz that is sent as a coding of the CSV in it */
    char etag[ETAG_BYTES];
    struct msp_export_fetch fetch;
    EVP_MD_CTX *digest; /* of a whole file on its way */
    int64_t left;
};

/* ---- which file ---- */

static enum msp_result read_record(struct download *download, struct msp_error *error)
{
    const struct msp_request *request = download->request;
    int64_t tenant_id = request->caller.tenant.id;
    enum msp_dataset dataset = MSP_DATASET_KPI_DAILY;
    struct msp_db *db;

    if (download->dataset != NULL && !msp_dataset_parse(download->dataset, &dataset))
        return msp_fail(error, MSP_NOT_FOUND, "dataset_unknown",
                        "There is no dataset of that name; GET /v1/exports shows what there is.");
    enum msp_result result = msp_input_database(request, &db, error);
    if (result != MSP_OK)
        return result;
    int64_t deadline_ms = msp_request_db_deadline_ms(request);
    result = download->dataset != NULL
                 ? msp_export_latest(db, tenant_id, dataset, request->arena, deadline_ms,
                                     &download->file, error)
                 : msp_export_find(db, tenant_id, download->id, request->arena, deadline_ms,
                                   &download->file, error);
    msp_pool_give(request->worker->pool, db);
    if (result == MSP_NOT_FOUND && download->dataset != NULL)
        return msp_fail(error, MSP_NOT_FOUND, "export_missing",
                        "%s was never exported; POST /v1/exports writes it.", download->dataset);
    if (result == MSP_NOT_FOUND)
        return msp_fail(error, MSP_NOT_FOUND, "export_unknown",
                        "There is no such export; GET /v1/exports lists them.");
    return result;
}

static bool is_compressed(const struct msp_export_file *file)
{
    size_t length = strlen(file->location);
    return length > 3 && strcmp(file->location + length - 3, ".gz") == 0;
}

/* A strong tag names bytes as they are sent; the CSV and its archive are two. */
static void name_content(struct download *download)
{
    download->gzip_coding =
        download->dataset != NULL && is_compressed(&download->file) &&
        msp_accepts_gzip(msp_request_header(download->request, "Accept-Encoding"));
    (void)snprintf(download->etag, sizeof download->etag, "\"%s%s\"", download->file.sha256,
                   download->gzip_coding ? "-gzip" : "");
}

static void describe(const struct download *download, struct msp_response *response)
{
    const struct msp_export_file *file = &download->file;
    bool archive = is_compressed(file) && !download->gzip_coding;
    char day[MSP_DAY_TEXT_BYTES] = "latest";
    if (file->day != MSP_NO_DAY)
        msp_day_format(file->day, day);
    response->content_type = archive ? "application/gzip" : "text/csv; charset=utf-8";
    response->cache_control = KEPT_BUT_ASKED;
    msp_response_header(response, "ETag", "%s", download->etag);
    msp_response_header(response, "Accept-Ranges", "bytes");
    msp_response_header(response, "Content-Disposition", "attachment; filename=\"%s-%s-%s.csv%s\"",
                        download->request->caller.tenant.slug, msp_dataset_name(file->dataset), day,
                        archive ? ".gz" : "");
    if (download->gzip_coding)
        msp_response_header(response, "Content-Encoding", "gzip");
    if (download->dataset != NULL)
        msp_response_header(response, "Vary", "Accept-Encoding");
}

/* ---- its bytes ---- */

static void end(const struct msp_request *request, void *context)
{
    struct download *download = context;
    (void)request;
    msp_export_fetch_end(&download->fetch);
    EVP_MD_CTX_free(download->digest);
}

/* The last bytes leave only when all of them make the file that the ETag names. */
static enum msp_result check_digest(struct download *download, struct msp_error *error)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned length = 0;
    if (EVP_DigestFinal_ex(download->digest, digest, &length) == 1)
        for (unsigned i = 0; i < length; i++)
            (void)snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
    if (strcmp(hex, download->file.sha256) == 0)
        return MSP_OK;
    return msp_fail(error, MSP_BROKEN, "export_damaged",
                    "%s is not what its record says; export it again.", download->file.location);
}

static enum msp_result next(void *context, const void **out_bytes, size_t *out_size,
                            struct msp_error *error)
{
    struct download *download = context;
    enum msp_result result = msp_export_fetch_next(&download->fetch, out_bytes, out_size, error);
    if (result != MSP_OK)
        return result;
    download->left -= (int64_t)*out_size;
    if (download->digest == NULL)
        return MSP_OK;
    if (EVP_DigestUpdate(download->digest, *out_bytes, *out_size) != 1)
        return msp_fail(error, MSP_BROKEN, "digest_failed", "Cannot compute SHA-256.");
    return download->left > 0 ? MSP_OK : check_digest(download, error);
}

static enum msp_result begin_digest(struct download *download, struct msp_error *error)
{
    download->digest = EVP_MD_CTX_new();
    if (download->digest != NULL && EVP_DigestInit_ex(download->digest, EVP_sha256(), NULL) == 1)
        return MSP_OK;
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to check an export.");
}

static enum msp_result fetch(struct download *download, int64_t first, int64_t length,
                             struct msp_error *error)
{
    const struct msp_export_file *file = &download->file;
    struct msp_job_message order = {.operation = MSP_JOB_FETCH,
                                    .tenant_id = download->request->caller.tenant.id,
                                    .offset = first,
                                    .length = length};
    memcpy(order.export_id, file->id, sizeof order.export_id);
    memcpy(order.sha256, file->sha256, sizeof order.sha256);
    download->left = length;
    enum msp_result result = msp_export_fetch_begin(
        &download->fetch, download->request->worker->job_socket_path, &order, error);
    if (result == MSP_OK && length == file->bytes)
        result = begin_digest(download, error);
    return result;
}

/* ---- the line it leaves ---- */

/* Nothing leaves without it. */
static enum msp_result leave_line(const struct download *download, int64_t first, int64_t last,
                                  struct msp_error *error)
{
    const struct msp_request *request = download->request;
    const struct msp_export_file *file = &download->file;
    const struct msp_actor actor = msp_request_actor(request);
    struct msp_audit_line line = {request->caller.tenant.id, "export.download", file->id, NULL};
    struct msp_db *db = NULL;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    line.detail =
        msp_arena_printf(request->arena,
                         "{\"before\":null,\"after\":{\"dataset\":\"%s\",\"sha256\":\"%s\","
                         "\"first_byte\":%" PRId64 ",\"last_byte\":%" PRId64 "}}",
                         msp_dataset_name(file->dataset), file->sha256, first, last);
    result = msp_audit_note(db, &actor, &line, msp_request_db_deadline_ms(request), error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

/* ---- the answer ---- */

static int refuse_range(const struct download *download, struct msp_response *response)
{
    int status = msp_problem(download->request, response, 416, "range_outside",
                             "The file ends before the range that was asked for.", NULL);
    msp_response_header(response, "Content-Range", "bytes */%" PRId64, download->file.bytes);
    return status;
}

static enum msp_result open_body(struct download *download, struct msp_response *response,
                                 int64_t first, int64_t last, struct msp_error *error)
{
    bool empty = download->file.bytes == 0;
    enum msp_result result = MSP_OK;

    if (!empty) {
        response->after = end;
        response->after_context = download;
        result = fetch(download, first, last - first + 1, error);
    }
    if (result == MSP_OK)
        result = leave_line(download, first, last, error);
    if (result != MSP_OK || empty)
        return result;
    response->next = next;
    response->next_context = download;
    return MSP_OK;
}

static int answer(struct download *download, struct msp_response *response, struct msp_error *error)
{
    const struct msp_request *request = download->request;
    int64_t size = download->file.bytes;
    int64_t first = 0;
    int64_t last = size - 1;
    bool only_head = strcmp(request->method, "HEAD") == 0;
    enum msp_range range = MSP_RANGE_ALL;

    name_content(download);
    if (msp_if_none_match(msp_request_header(request, "If-None-Match"), download->etag)) {
        describe(download, response);
        response->content_type = NULL;
        return 304;
    }
    if (!only_head)
        range = msp_range_read(msp_request_header(request, "Range"),
                               msp_request_header(request, "If-Range"), download->etag, size,
                               &first, &last);
    if (range == MSP_RANGE_OUTSIDE)
        return refuse_range(download, response);
    if (!only_head && open_body(download, response, first, last, error) != MSP_OK)
        return 0;
    describe(download, response);
    response->stream_bytes = last - first + 1;
    if (range == MSP_RANGE_PART)
        msp_response_header(response, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                            first, last, size);
    return range == MSP_RANGE_PART ? 206 : 200;
}

/* What stays so after a few looks is being written anew, or was not made whole. */
static int fail(const struct msp_request *request, struct msp_response *response,
                const struct msp_error *error)
{
    if (error->result != MSP_CONFLICT)
        return msp_problem_from_error(request, response, error);
    int status = msp_problem(request, response, 503, error->code,
                             "The export is being written anew; try again in a moment, and export "
                             "it again if this stays.",
                             NULL);
    msp_response_header(response, "Retry-After", "5");
    return status;
}

static int serve(const struct msp_request *request, struct msp_response *response,
                 const char *dataset, const char *id)
{
    struct download *download = msp_arena_calloc(request->arena, 1, sizeof *download);
    struct msp_error error;
    int status = 0;

    if (download == NULL)
        return msp_problem_no_memory(request, response);
    download->request = request;
    download->dataset = dataset;
    download->id = id;
    download->fetch.fd = -1;
    (void)msp_fail(&error, MSP_CONFLICT, "export_changed", "The export is being written anew.");
    for (int look = 0; look < LOOKS && status == 0 && error.result == MSP_CONFLICT; look++) {
        msp_export_fetch_end(&download->fetch);
        if (read_record(download, &error) == MSP_OK)
            status = answer(download, response, &error);
    }
    return status != 0 ? status : fail(request, response, &error);
}

int msp_handle_export_latest(const struct msp_request *request, struct msp_response *response)
{
    return serve(request, response, request->path_parameters[0], NULL);
}

int msp_handle_export_file(const struct msp_request *request, struct msp_response *response)
{
    return serve(request, response, NULL, request->path_parameters[0]);
}
