/* Notifications, on a connection that does nothing else. They are hints: whoever listens also looks
 * by himself. */
#include "connection.h"

#include <stdio.h>
#include <string.h>

/* One LISTEN a channel, all in one go. False when there are more than fit. */
static bool write_listens(const char *channels, char *out, size_t size)
{
    size_t used = 0;
    for (const char *at = channels; *at != '\0';) {
        size_t length = strcspn(at, ", ");
        int wrote = snprintf(out + used, size - used, "LISTEN %.*s;", (int)length, at);
        if (wrote < 0 || (size_t)wrote >= size - used)
            return false;
        used += (size_t)wrote;
        at += length + strspn(at + length, ", ");
    }
    return used > 0;
}

enum msp_result msp_db_listen(struct msp_db *db, const char *channels, int64_t deadline_ms,
                              struct msp_error *error)
{
    msp_db_disconnect(db);
    enum msp_result result = msp_db_connect(db, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    char sql[256];
    if (!write_listens(channels, sql, sizeof(sql)))
        return msp_fail(error, MSP_BROKEN, "channels_malformed", "No channel to listen to.");
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

enum msp_result msp_db_notifications(struct msp_db *db, msp_notification_take take, void *context,
                                     int *out_count, struct msp_error *error)
{
    if (db->connection == NULL)
        return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable", "Not listening.");
    if (!PQconsumeInput(db->connection))
        return msp_db_lost(db, error);
    int count = 0;
    for (PGnotify *notification; (notification = PQnotifies(db->connection)) != NULL; count++) {
        if (take != NULL)
            take(context, notification->relname, notification->extra);
        PQfreemem(notification);
    }
    *out_count = count;
    return MSP_OK;
}
