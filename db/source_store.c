/* A tenant's source as a pull reads it. Neither knows nor checks what the options mean. */
#include "msp/source_store.h"

#include "source_row.h"

#include "msp/json_reader.h"

#include <stdio.h>
#include <string.h>

static const struct msp_statement read_statement = {
    "source_read",
    "SELECT settings, secrets FROM msp.sources"
    " WHERE tenant_id = $1::bigint AND kind = $2::text",
    true};

/* What was checked when it was set: wide enough for the map of a generic source. */
static const struct msp_json_limits limits = {
    .max_bytes = 65536, .max_depth = 16, .max_elements = 8192};

struct msp_secret_keys msp_source_keys(const struct msp_settings *settings)
{
    return (struct msp_secret_keys){settings->secret_key, settings->secret_key_previous};
}

void msp_source_place(const char *tenant, const char *kind, char out[MSP_SOURCE_PLACE_BYTES])
{
    (void)snprintf(out, MSP_SOURCE_PLACE_BYTES, "source of %s: %s", tenant, kind);
}

enum msp_result msp_source_parse(const char *text, size_t length, json_t **out,
                                 struct msp_error *error)
{
    struct msp_error fault;
    if (msp_json_parse(text, length, &limits, out, &fault) == MSP_OK)
        return MSP_OK;
    return msp_fail(error, MSP_BROKEN, "source_damaged",
                    "What is stored about the ticket source cannot be read; set it anew with "
                    "msp-analytics source set.");
}

static enum msp_result take_row(const PGresult *rows, struct msp_source_terms *out,
                                struct msp_error *error)
{
    enum msp_result result = msp_source_parse(
        PQgetvalue(rows, 0, 0), (size_t)PQgetlength(rows, 0, 0), &out->options, error);
    if (result != MSP_OK)
        return result;
    msp_buffer_append(&out->sealed, PQgetvalue(rows, 0, 1), (size_t)PQgetlength(rows, 0, 1));
    out->found = true;
    return MSP_OK;
}

enum msp_result msp_source_store_read(struct msp_db *db, const struct msp_tenant *tenant,
                                      int64_t deadline_ms, struct msp_source_terms *out,
                                      struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant->id);
    msp_params_text(&params, tenant->source);
    struct msp_call call = {&read_statement, &params, NULL};
    const struct msp_scope scope = {tenant->id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_source_terms terms = {.found = false};
    msp_buffer_init(&terms.sealed, 0);
    if (PQntuples(call.result) > 0)
        result = take_row(call.result, &terms, error);
    else
        terms.options = json_object();
    msp_calls_clear(&call, 1);
    if (result == MSP_OK && (terms.options == NULL || terms.sealed.failed))
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a ticket source.");
    if (result == MSP_OK)
        *out = terms;
    else
        msp_source_terms_done(&terms);
    return result;
}

void msp_source_terms_done(struct msp_source_terms *terms)
{
    json_decref(terms->options);
    terms->options = NULL;
    msp_buffer_done(&terms->sealed);
}

enum msp_result msp_source_unseal(const struct msp_secret_keys *keys, const char *tenant,
                                  const char *kind, const void *sealed, size_t size, json_t **out,
                                  struct msp_error *error)
{
    char place[MSP_SOURCE_PLACE_BYTES];
    struct msp_buffer plain;
    msp_source_place(tenant, kind, place);
    msp_buffer_init(&plain, 0);
    enum msp_result result = msp_secret_open(keys, place, sealed, size, &plain, error);
    if (result == MSP_OK)
        result = msp_source_parse(plain.data, plain.length, out, error);
    msp_secret_wipe(&plain);
    return result;
}

enum msp_result msp_source_terms_open(const struct msp_source_terms *terms,
                                      const struct msp_secret_keys *keys, const char *tenant,
                                      const char *kind, json_t **out_secrets,
                                      struct msp_error *error)
{
    if (terms->sealed.length > 0)
        return msp_source_unseal(keys, tenant, kind, terms->sealed.data, terms->sealed.length,
                                 out_secrets, error);
    *out_secrets = json_object();
    if (*out_secrets == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a ticket source.");
    return MSP_OK;
}
