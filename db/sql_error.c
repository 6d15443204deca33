/* What PostgreSQL's SQLSTATEs mean to a caller of ours. */
#include "connection.h"

#include <string.h>

struct meaning {
    const char *sqlstate; /* whole, or a class of two characters */
    enum msp_result result;
    bool close; /* the connection is of no further use */
};

static const struct meaning meanings[] = {
    {"MS001", MSP_INVALID, false}, /* raised by our own functions */
    {"MS002", MSP_CONFLICT, false},    {"MS003", MSP_NOT_FOUND, false},
    {"MS006", MSP_UNAVAILABLE, false},                                 /* the same again will do */
    {"MS005", MSP_CANCELLED, false},   {"23505", MSP_CONFLICT, false}, /* unique_violation */
    {"23514", MSP_INVALID, false},                                     /* check_violation */
    {"40", MSP_UNAVAILABLE, false},   /* serialization failure, deadlock: the same again will do */
    {"22", MSP_INVALID, false},       /* data exception */
    {"42501", MSP_FORBIDDEN, false},  /* insufficient_privilege, row-level security */
    {"42P01", MSP_UNAVAILABLE, true}, /* undefined_table: the schema is not there yet */
    {"3F000", MSP_UNAVAILABLE, true}, /* invalid_schema_name: likewise */
    {"0A000", MSP_UNAVAILABLE, true}, /* a prepared plan outlived a migration; prepared anew next
                                         time */
    {"26000", MSP_UNAVAILABLE, true}, /* a prepared statement is gone (a pooler in between) */
    {"53", MSP_UNAVAILABLE, true},    /* out of connections, memory or disk */
    {"55P03", MSP_TIMED_OUT, false},  /* lock_not_available */
    {"57P", MSP_UNAVAILABLE, true},   /* shutting down, crashed, not accepting yet */
    {"08", MSP_UNAVAILABLE, true},    /* connection exceptions */
    {"28", MSP_UNAVAILABLE, true},    /* login refused */
    {"3D000", MSP_UNAVAILABLE, true}, /* no such database */
};

static const struct meaning *find_meaning(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strncmp(sqlstate, meanings[i].sqlstate, strlen(meanings[i].sqlstate)) == 0)
            return &meanings[i];
    }
    return NULL;
}

enum msp_result msp_sql_error(struct msp_db *db, const PGresult *result, struct msp_error *error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    if (sqlstate == NULL)
        return msp_db_lost(db, error);
    if (message == NULL)
        message = "no message";
    if (strcmp(sqlstate, "57014") == 0) {
        /* query_canceled: by us, or by statement_timeout. */
        if (atomic_load(&db->cancel_requested))
            return msp_fail(error, MSP_CANCELLED, "cancelled", "The statement was cancelled.");
        return msp_fail(error, MSP_TIMED_OUT, "sql_57014",
                        "PostgreSQL stopped the statement because it took too long.");
    }
    if (strncmp(sqlstate, "MS", 2) == 0) {
        const struct meaning *own = find_meaning(sqlstate);
        return msp_fail(error, own != NULL ? own->result : MSP_BROKEN, message, "%s",
                        detail != NULL ? detail : message);
    }
    const struct meaning *meaning = find_meaning(sqlstate);
    char code[16] = "sql_";
    strncat(code, sqlstate, 5);
    if (meaning != NULL && meaning->close)
        msp_db_disconnect(db);
    return msp_fail(error, meaning != NULL ? meaning->result : MSP_BROKEN, code, "PostgreSQL: %s",
                    message);
}
