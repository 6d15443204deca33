/* COPY … TO STDOUT. Not possible in pipeline mode, so it is left for as long as the copy runs. */
#include "connection.h"

#include "msp/clock.h"

/* Reads the results behind a finished or failed copy; the first failure is kept. */
static enum msp_result finish_copy(struct msp_db *db, int64_t idle_ms, struct msp_error *error)
{
    enum msp_result outcome = MSP_OK;
    for (;;) {
        enum msp_result result = msp_db_wait_result(db, msp_clock_monotonic_ms() + idle_ms, error);
        if (result != MSP_OK)
            return result;
        PGresult *answer = PQgetResult(db->connection);
        if (answer == NULL)
            return outcome;
        if (PQresultStatus(answer) != PGRES_COMMAND_OK && outcome == MSP_OK)
            outcome = msp_sql_error(db, answer, error);
        PQclear(answer);
        if (db->connection == NULL)
            return outcome;
    }
}

/* Hands rows to `take` until the copy ends. */
static enum msp_result take_rows(struct msp_db *db, int64_t idle_ms, msp_copy_take take,
                                 void *context, struct msp_error *error)
{
    for (;;) {
        char *row = NULL;
        int length = PQgetCopyData(db->connection, &row, 1);
        if (length > 0) {
            bool wanted = take(context, row, (size_t)length);
            PQfreemem(row);
            if (!wanted) {
                msp_db_give_up(db, NULL);
                return msp_fail(error, MSP_CANCELLED, "cancelled", "The copy was cancelled.");
            }
        } else if (length == 0) {
            enum msp_result result =
                msp_db_wait_copy(db, msp_clock_monotonic_ms() + idle_ms, error);
            if (result != MSP_OK)
                return result;
        } else if (length == -1) {
            return finish_copy(db, idle_ms, error);
        } else {
            return msp_db_lost(db, error);
        }
    }
}

static enum msp_result run_copy(struct msp_db *db, const char *sql, int64_t idle_ms,
                                msp_copy_take take, void *context, struct msp_error *error)
{
    if (!PQexitPipelineMode(db->connection) || !PQsendQuery(db->connection, sql))
        return msp_db_lost(db, error);
    enum msp_result result = msp_db_flush(db, msp_clock_monotonic_ms() + idle_ms, error);
    if (result == MSP_OK)
        result = msp_db_wait_result(db, msp_clock_monotonic_ms() + idle_ms, error);
    if (result != MSP_OK)
        return result;
    PGresult *start = PQgetResult(db->connection);
    if (PQresultStatus(start) == PGRES_COPY_OUT) {
        PQclear(start);
        result = take_rows(db, idle_ms, take, context, error);
    } else {
        result = msp_sql_error(db, start, error);
        PQclear(start);
        if (db->connection != NULL && finish_copy(db, idle_ms, NULL) != MSP_OK)
            msp_db_disconnect(db);
    }
    if (db->connection != NULL && !PQenterPipelineMode(db->connection))
        msp_db_disconnect(db);
    return result;
}

enum msp_result msp_db_copy_out(struct msp_db *db, const char *sql, int64_t idle_ms,
                                msp_copy_take take, void *context, struct msp_error *error)
{
    if (db->phase == MSP_DB_OPENING) {
        enum msp_result opened = msp_db_run(db, NULL, 0, msp_clock_monotonic_ms() + idle_ms, error);
        if (opened != MSP_OK)
            return opened;
    }
    if (db->connection == NULL || db->phase != MSP_DB_OPEN)
        return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable",
                        "The connection to PostgreSQL was lost.");
    atomic_store(&db->cancel_requested, false);
    atomic_store(&db->busy, true);
    enum msp_result result = run_copy(db, sql, idle_ms, take, context, error);
    atomic_store(&db->busy, false);
    if (result != MSP_OK)
        msp_db_rollback(db);
    return result;
}
