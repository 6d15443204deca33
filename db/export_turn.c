/* Whose turn it is to write a dataset. Keeps no file from anybody. */
#include "msp/export_store.h"

static const struct msp_statement try_statement = {
    "export_turn_try", "SELECT msp.export_turn_try($1::bigint, $2::text)", true};

static const struct msp_statement end_statement = {
    "export_turn_end", "SELECT msp.export_turn_end($1::bigint, $2::text)", false};

static enum msp_result ask(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                           struct msp_call *call, int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, msp_dataset_name(dataset));
    call->params = &params;
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, call, 1, deadline_ms, error);
    call->params = NULL;
    return result;
}

enum msp_result msp_export_turn_try(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                    int64_t deadline_ms, bool *out_ours, struct msp_error *error)
{
    struct msp_call call = {&try_statement, NULL, NULL};
    enum msp_result result = ask(db, tenant_id, dataset, &call, deadline_ms, error);
    if (result == MSP_OK)
        *out_ours = msp_result_bool(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}

void msp_export_turn_end(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                         int64_t deadline_ms)
{
    struct msp_call call = {&end_statement, NULL, NULL};
    struct msp_error error;
    if (ask(db, tenant_id, dataset, &call, deadline_ms, &error) != MSP_OK)
        msp_db_hang_up(db);
    msp_calls_clear(&call, 1);
}
