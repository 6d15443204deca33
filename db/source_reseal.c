/* Secrets sealed anew, tenant by tenant, after SECRET_KEY was changed. All of them or none. */
#include "msp/source_store.h"

#include "source_row.h"

#include <stdio.h>

static const struct msp_statement sealed_statement = {
    "source_sealed",
    "SELECT s.tenant_id, t.slug, s.kind, s.secrets"
    "  FROM msp.sources s JOIN msp.tenants t ON t.tenant_id = s.tenant_id"
    " WHERE s.secrets IS NOT NULL ORDER BY s.tenant_id FOR UPDATE OF s",
    true};
enum column { TENANT_ID, SLUG, KIND, SECRETS };

static const struct msp_statement store_statement = {
    "source_seal", "UPDATE msp.sources SET secrets = $2::bytea WHERE tenant_id = $1::bigint",
    false};

static void name_tenant(const char *tenant, struct msp_error *error)
{
    const struct msp_error said = *error;
    (void)msp_fail(error, said.result, said.code, "Tenant %s: %.400s", tenant, said.detail);
}

static enum msp_result reseal_row(struct msp_db *db, const PGresult *rows, int row,
                                  const struct msp_secret_keys *keys, int64_t deadline_ms,
                                  struct msp_error *error)
{
    char place[MSP_SOURCE_PLACE_BYTES];
    struct msp_buffer plain;
    struct msp_buffer sealed;
    msp_source_place(msp_result_text(rows, row, SLUG), msp_result_text(rows, row, KIND), place);
    msp_buffer_init(&plain, 0);
    msp_buffer_init(&sealed, 0);
    enum msp_result result =
        msp_secret_open(keys, place, PQgetvalue(rows, row, SECRETS),
                        (size_t)PQgetlength(rows, row, SECRETS), &plain, error);
    if (result != MSP_OK)
        name_tenant(msp_result_text(rows, row, SLUG), error);
    else
        result = msp_secret_seal(keys, place, plain.data, plain.length, &sealed, error);
    msp_secret_wipe(&plain);
    if (result == MSP_OK) {
        struct msp_params params;
        msp_params_init(&params);
        msp_params_int(&params, msp_result_int(rows, row, TENANT_ID));
        msp_params_binary(&params, sealed.data, sealed.length);
        struct msp_call call = {&store_statement, &params, NULL};
        result = msp_db_run(db, &call, 1, deadline_ms, error);
        msp_calls_clear(&call, 1);
    }
    msp_buffer_done(&sealed);
    return result;
}

static enum msp_result reseal_all(struct msp_db *db, const struct msp_secret_keys *keys,
                                  int64_t deadline_ms, int *out_count, struct msp_error *error)
{
    struct msp_call call = {&sealed_statement, NULL, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    int count = result == MSP_OK ? PQntuples(call.result) : 0;
    for (int row = 0; row < count && result == MSP_OK; row++)
        result = reseal_row(db, call.result, row, keys, deadline_ms, error);
    msp_calls_clear(&call, 1);
    *out_count = count;
    return result;
}

enum msp_result msp_source_store_reseal(struct msp_db *db, const struct msp_settings *settings,
                                        const struct msp_actor *actor, int64_t deadline_ms,
                                        int *out_count, struct msp_error *error)
{
    const struct msp_secret_keys keys = msp_source_keys(settings);
    const struct msp_audit_line line = {0, "source.reseal", "all", NULL};
    const char *replayed = NULL;
    int count = 0;
    enum msp_result result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result != MSP_OK)
        return result;
    result = reseal_all(db, &keys, deadline_ms, &count, error);
    if (result == MSP_OK)
        result = msp_audit_commit(db, actor, &line, deadline_ms, error);
    else
        msp_db_rollback(db);
    if (result == MSP_OK)
        *out_count = count;
    return result;
}
