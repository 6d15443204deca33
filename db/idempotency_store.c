/* Idempotency keys for transactions that do their own work between finding and keeping. Jobs are
 * started under a key by msp.job_start in one call. */
#include "idempotency_params.h"

#include <string.h>

static const struct msp_statement find_statement = {
    "idempotency_find",
    "SELECT k.answer::text"
    "  FROM msp.idempotency_find($1::bigint, $2::text, $3::text, $4::text, $5::bytea) k",
    false};

static const struct msp_statement keep_statement = {
    "idempotency_keep",
    "SELECT msp.idempotency_keep($1::bigint, $2::text, $3::text, $4::text, $5::bytea,"
    "                            NULL, $6::json)",
    false};

void msp_idempotency_params(struct msp_params *params, const struct msp_idempotency *idempotency)
{
    if (idempotency == NULL) {
        for (int i = 0; i < 5; i++)
            msp_params_null(params);
        return;
    }
    msp_params_int(params, idempotency->tenant_id);
    msp_params_text(params, idempotency->caller);
    msp_params_text(params, idempotency->route);
    msp_params_text(params, idempotency->key);
    msp_params_binary(params, idempotency->fingerprint, sizeof idempotency->fingerprint);
}

enum msp_result msp_idempotency_find(struct msp_db *db, struct msp_idempotency *idempotency,
                                     struct msp_arena *arena, int64_t deadline_ms,
                                     const char **out_answer, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_idempotency_params(&params, idempotency);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    const char *answer = NULL;
    bool found = PQntuples(call.result) > 0;
    if (found && !msp_result_is_null(call.result, 0, 0)) {
        const char *text = msp_result_text(call.result, 0, 0);
        answer = msp_arena_copy(arena, text, strlen(text));
        if (answer == NULL)
            result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read an answer.");
    }
    msp_calls_clear(&call, 1);
    if (result == MSP_OK) {
        idempotency->replayed = found;
        *out_answer = answer;
    }
    return result;
}

enum msp_result msp_idempotency_keep(struct msp_db *db, const struct msp_idempotency *idempotency,
                                     const char *answer, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_idempotency_params(&params, idempotency);
    msp_params_text(&params, answer);
    struct msp_call call = {&keep_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}
