/* Notifications, on a connection that does nothing else. They are hints: whoever listens also looks
 * by himself. */
#include "connection.h"

#include <stdio.h>

enum msp_result msp_db_listen(struct msp_db *db, const char *channel, int64_t deadline_ms,
                              struct msp_error *error)
{
    msp_db_disconnect(db);
    enum msp_result result = msp_db_connect(db, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    char sql[80];
    snprintf(sql, sizeof(sql), "LISTEN %s", channel);
    if (!PQexitPipelineMode(db->connection) || !PQsendQuery(db->connection, sql))
        return msp_db_lost(db, error);
    result = msp_db_flush(db, deadline_ms, error);
    for (PGresult *answer = NULL; result == MSP_OK;) {
        result = msp_db_wait_result(db, deadline_ms, error);
        if (result != MSP_OK)
            return result;
        answer = PQgetResult(db->connection);
        if (answer == NULL)
            return MSP_OK;
        if (PQresultStatus(answer) != PGRES_COMMAND_OK) {
            result = msp_sql_error(db, answer, error);
            msp_db_disconnect(db);
        }
        PQclear(answer);
    }
    return result;
}

int msp_db_socket(const struct msp_db *db)
{
    return db->connection != NULL ? PQsocket(db->connection) : -1;
}

enum msp_result msp_db_notifications(struct msp_db *db, int *out_count, struct msp_error *error)
{
    if (db->connection == NULL)
        return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable", "Not listening.");
    if (!PQconsumeInput(db->connection))
        return msp_db_lost(db, error);
    int count = 0;
    for (PGnotify *notification; (notification = PQnotifies(db->connection)) != NULL; count++)
        PQfreemem(notification);
    *out_count = count;
    return MSP_OK;
}
