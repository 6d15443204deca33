/* Transactions as pipelines: what is queued, in which order answers come back, and leaving no
 * connection half-way. */
#include "connection.h"

#include "msp/clock.h"

#include <stdio.h>

static const struct msp_statement begin_statement = {"begin", "BEGIN", false};
static const struct msp_statement commit_statement = {"commit", "COMMIT", false};
static const struct msp_statement rollback_statement = {"rollback", "ROLLBACK", false};
static const struct msp_statement role_statement = {
    "set_role", "SELECT set_config('role', $1::text, true)", false};
static const struct msp_statement tenant_statement = {"set_tenant",
                                                      "SELECT msp.set_tenant($1::bigint)", false};

/* How long a failed transaction's ROLLBACK may take before the connection is given up instead. */
#define ROLLBACK_MS 2000

static bool is_prepared(const struct msp_db *db, const struct msp_statement *statement)
{
    for (int i = 0; i < db->prepared_count; i++) {
        if (db->prepared[i] == statement)
            return true;
    }
    /* Or on its way: the same statement twice in one pipeline. */
    for (size_t i = 0; i < db->expected.count; i++) {
        if (db->expected.statements[i] == statement &&
            db->expected.answers[i] == MSP_ANSWER_PREPARED)
            return true;
    }
    return false;
}

static void expect(struct msp_db *db, enum msp_answer answer, const struct msp_statement *statement)
{
    struct msp_expected *expected = &db->expected;
    expected->answers[expected->count] = answer;
    expected->statements[expected->count] = statement;
    expected->count++;
}

/* Queues one statement, preparing it first if this connection never did. */
static bool queue(struct msp_db *db, const struct msp_statement *statement,
                  const struct msp_params *params, enum msp_answer answer)
{
    if (db->expected.count + 2 > MAX_ANSWERS)
        return false;
    if (!is_prepared(db, statement)) {
        if (!PQsendPrepare(db->connection, statement->name, statement->sql, 0, NULL))
            return false;
        expect(db, MSP_ANSWER_PREPARED, statement);
    }
    expect(db, answer, statement);
    return PQsendQueryPrepared(
               db->connection, statement->name, params != NULL ? params->count : 0,
               params != NULL ? params->values : NULL, params != NULL ? params->lengths : NULL,
               params != NULL ? params->formats : NULL, statement->binary_result ? 1 : 0) == 1;
}

/* Both hold until the end of the transaction. */
static bool queue_scope(struct msp_db *db, const struct msp_scope *scope)
{
    struct msp_params params;
    if (scope->role != NULL) {
        msp_params_init(&params);
        msp_params_text(&params, scope->role);
        if (!queue(db, &role_statement, &params, MSP_ANSWER_NOTHING))
            return false;
    }
    if (scope->tenant_id == 0)
        return true;
    msp_params_init(&params);
    msp_params_int(&params, scope->tenant_id);
    return queue(db, &tenant_statement, &params, MSP_ANSWER_NOTHING);
}

static bool queue_calls(struct msp_db *db, struct msp_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!queue(db, calls[i].statement, calls[i].params, MSP_ANSWER_CALL))
            return false;
    }
    return true;
}

/* What comes next; *out is the caller's, NULL where a statement's answers end. */
static enum msp_result take_result(struct msp_db *db, int64_t deadline_ms, PGresult **out,
                                   struct msp_error *error)
{
    enum msp_result result = msp_db_wait_result(db, deadline_ms, error);
    if (result == MSP_OK)
        *out = PQgetResult(db->connection);
    return result;
}

/* Takes one answer and the NULL behind it. */
static enum msp_result take_answer(struct msp_db *db, int64_t deadline_ms, PGresult **out_answer,
                                   struct msp_error *error)
{
    PGresult *answer = NULL;
    PGresult *end = NULL;
    enum msp_result result = take_result(db, deadline_ms, &answer, error);
    if (result == MSP_OK && answer == NULL)
        return msp_db_lost(db, error);
    if (result == MSP_OK)
        result = take_result(db, deadline_ms, &end, error);
    if (result == MSP_OK && end != NULL)
        result = msp_db_lost(db, error);
    PQclear(end);
    if (result == MSP_OK)
        *out_answer = answer;
    else
        PQclear(answer);
    return result;
}

/* What is reported instead of the sync and before it: the transaction could not be committed. */
static enum msp_result take_commit_error(struct msp_db *db, const PGresult *failure,
                                         int64_t deadline_ms, PGresult **out_sync,
                                         struct msp_error *error)
{
    PGresult *end = NULL;
    enum msp_result outcome = msp_sql_error(db, failure, error);
    if (db->connection == NULL)
        return outcome;
    enum msp_result result = take_result(db, deadline_ms, &end, error);
    if (result == MSP_OK && end == NULL)
        result = take_result(db, deadline_ms, out_sync, error);
    else if (result == MSP_OK)
        *out_sync = end;
    return result == MSP_OK ? outcome : result;
}

static enum msp_result take_sync(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    PGresult *sync = NULL;
    enum msp_result result = take_result(db, deadline_ms, &sync, error);
    if (sync != NULL && PQresultStatus(sync) == PGRES_FATAL_ERROR) {
        PGresult *failure = sync;
        sync = NULL;
        result = take_commit_error(db, failure, deadline_ms, &sync, error);
        PQclear(failure);
    }
    bool good = sync != NULL && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    /* Whatever came instead: a connection that is out of step is not used again. */
    return good || db->connection == NULL ? result : msp_db_lost(db, error);
}

/*
 * Reads all expected answers and the sync. The first statement's failure is the one that counts;
 * those behind it were skipped by the server. A failure of the connection itself ends the reading.
 */
static enum msp_result take_answers(struct msp_db *db, struct msp_call *calls, int64_t deadline_ms,
                                    struct msp_error *error)
{
    enum msp_result outcome = MSP_OK;
    struct msp_call *call = calls;
    for (size_t i = 0; i < db->expected.count; i++) {
        PGresult *answer = NULL;
        enum msp_result result = take_answer(db, deadline_ms, &answer, error);
        if (result != MSP_OK)
            return result;
        ExecStatusType status = PQresultStatus(answer);
        bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        if (good && db->expected.answers[i] == MSP_ANSWER_PREPARED &&
            db->prepared_count < MAX_PREPARED)
            db->prepared[db->prepared_count++] = db->expected.statements[i];
        if (!good && status != PGRES_PIPELINE_ABORTED && outcome == MSP_OK)
            outcome = msp_sql_error(db, answer, error);
        if (good && call != NULL && db->expected.answers[i] == MSP_ANSWER_CALL)
            (call++)->result = answer;
        else
            PQclear(answer);
        if (db->connection == NULL)
            return outcome;
    }
    enum msp_result synced = take_sync(db, deadline_ms, error);
    return synced != MSP_OK ? synced : outcome;
}

static void roll_back(struct msp_db *db)
{
    db->expected.count = 0;
    if (db->connection == NULL || PQtransactionStatus(db->connection) == PQTRANS_IDLE)
        return;
    int64_t deadline_ms = msp_clock_monotonic_ms() + ROLLBACK_MS;
    bool rolled_back = queue(db, &rollback_statement, NULL, MSP_ANSWER_NOTHING) &&
                       PQpipelineSync(db->connection) &&
                       msp_db_flush(db, deadline_ms, NULL) == MSP_OK &&
                       take_answers(db, NULL, deadline_ms, NULL) == MSP_OK;
    if (!rolled_back)
        msp_db_disconnect(db);
    db->expected.count = 0;
}

/* After a failure: no results kept, no transaction left open, ready for the next one. */
static enum msp_result fail_transaction(struct msp_db *db, struct msp_call *calls, size_t count,
                                        enum msp_result result)
{
    msp_calls_clear(calls, count);
    roll_back(db);
    db->phase = MSP_DB_IDLE;
    atomic_store(&db->busy, false);
    return result;
}

static void prepare_to_send(struct msp_db *db, struct msp_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        calls[i].result = NULL;
    db->expected.count = 0;
    atomic_store(&db->cancel_requested, false);
    atomic_store(&db->busy, true);
}

enum msp_result msp_db_send(struct msp_db *db, const struct msp_scope *scope,
                            struct msp_call *calls, size_t count, int64_t deadline_ms,
                            struct msp_error *error)
{
    enum msp_result result = msp_db_connect(db, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    prepare_to_send(db, calls, count);
    if (!queue_scope(db, scope) || !queue_calls(db, calls, count) ||
        !PQpipelineSync(db->connection))
        result = msp_db_lost(db, error); /* queueing fails only without memory or connection */
    else
        result = msp_db_flush(db, deadline_ms, error);
    if (result != MSP_OK)
        return fail_transaction(db, calls, count, result);
    db->phase = MSP_DB_SENT;
    return MSP_OK;
}

enum msp_result msp_db_receive(struct msp_db *db, struct msp_call *calls, size_t count,
                               int64_t deadline_ms, struct msp_error *error)
{
    enum msp_result result = take_answers(db, calls, deadline_ms, error);
    if (result != MSP_OK)
        return fail_transaction(db, calls, count, result);
    db->phase = MSP_DB_IDLE;
    atomic_store(&db->busy, false);
    return MSP_OK;
}

enum msp_result msp_db_transact(struct msp_db *db, const struct msp_scope *scope,
                                struct msp_call *calls, size_t count, int64_t deadline_ms,
                                struct msp_error *error)
{
    enum msp_result result = msp_db_send(db, scope, calls, count, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    return msp_db_receive(db, calls, count, deadline_ms, error);
}

enum msp_result msp_db_begin(struct msp_db *db, const struct msp_scope *scope, int64_t deadline_ms,
                             struct msp_error *error)
{
    enum msp_result result = msp_db_connect(db, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    db->scope = *scope;
    db->phase = MSP_DB_OPENING;
    return MSP_OK;
}

enum msp_result msp_db_run(struct msp_db *db, struct msp_call *calls, size_t count,
                           int64_t deadline_ms, struct msp_error *error)
{
    if (db->connection == NULL)
        return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable",
                        "The connection to PostgreSQL was lost.");
    prepare_to_send(db, calls, count);
    enum msp_result result = MSP_OK;
    if ((db->phase == MSP_DB_OPENING && (!queue(db, &begin_statement, NULL, MSP_ANSWER_NOTHING) ||
                                         !queue_scope(db, &db->scope))) ||
        !queue_calls(db, calls, count) || !PQpipelineSync(db->connection))
        result = msp_db_lost(db, error);
    else
        result = msp_db_flush(db, deadline_ms, error);
    if (result == MSP_OK)
        result = take_answers(db, calls, deadline_ms, error);
    if (result != MSP_OK)
        return fail_transaction(db, calls, count, result);
    db->phase = MSP_DB_OPEN;
    atomic_store(&db->busy, false);
    return MSP_OK;
}

enum msp_result msp_db_commit(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    struct msp_call commit = {&commit_statement, NULL, NULL};
    enum msp_result result = msp_db_run(db, &commit, 1, deadline_ms, error);
    msp_calls_clear(&commit, 1);
    db->phase = MSP_DB_IDLE;
    return result;
}

void msp_db_rollback(struct msp_db *db)
{
    roll_back(db);
    db->phase = MSP_DB_IDLE;
    atomic_store(&db->busy, false);
}

void msp_calls_clear(struct msp_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        PQclear(calls[i].result);
        calls[i].result = NULL;
    }
}
