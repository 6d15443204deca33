/* The inside of a connection, shared by the few files that speak libpq. */
#ifndef MSP_DB_CONNECTION_H
#define MSP_DB_CONNECTION_H

#include "msp/db.h"

#include <pthread.h>
#include <stdatomic.h>

#define MAX_PREPARED 192 /* statements a connection has prepared; the program has fewer */

enum msp_db_phase {
    MSP_DB_IDLE,    /* no transaction */
    MSP_DB_OPENING, /* msp_db_begin was called, BEGIN goes out with the first run */
    MSP_DB_OPEN,    /* inside a transaction */
    MSP_DB_SENT,    /* msp_db_send went out, msp_db_receive is due */
};

/* Answers that will come back on a connection, in order, up to the next sync. */
enum msp_answer { MSP_ANSWER_PREPARED, MSP_ANSWER_NOTHING, MSP_ANSWER_CALL };

#define MAX_ANSWERS 64

struct msp_expected {
    enum msp_answer answers[MAX_ANSWERS];
    const struct msp_statement *statements[MAX_ANSWERS];
    size_t count;
};

struct msp_db {
    struct msp_db_options options; /* texts owned */
    PGconn *connection;            /* NULL while not connected */
    enum msp_db_phase phase;
    struct msp_scope scope; /* of the transaction that is opening or open */
    const struct msp_statement *prepared[MAX_PREPARED];
    int prepared_count;
    struct msp_expected expected;
    /* What msp_db_cancel needs from other threads. */
    pthread_mutex_t cancel_lock; /* guards the pointer `connection` against closing */
    atomic_bool busy;            /* a statement is under way */
    atomic_bool cancel_requested;
};

/* Makes sure there is a connection in pipeline mode. */
enum msp_result msp_db_connect(struct msp_db *db, int64_t deadline_ms,
                               struct msp_error *error) MSP_MUST_CHECK;

/* Closes; the next transaction connects anew. */
void msp_db_disconnect(struct msp_db *db);

/* Sends what is queued, taking in answers meanwhile so that neither side waits for the other for
 * ever. */
enum msp_result msp_db_flush(struct msp_db *db, int64_t deadline_ms,
                             struct msp_error *error) MSP_MUST_CHECK;

/* Waits until PQgetResult would not block. */
enum msp_result msp_db_wait_result(struct msp_db *db, int64_t deadline_ms,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* During a copy: waits until more has arrived. */
enum msp_result msp_db_wait_copy(struct msp_db *db, int64_t deadline_ms,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* The deadline passed: asks the server to stop, closes, and reports it. */
enum msp_result msp_db_give_up(struct msp_db *db, struct msp_error *error);

/* The connection broke: closes and reports it with libpq's reason. */
enum msp_result msp_db_lost(struct msp_db *db, struct msp_error *error);

/* Turns the server's error into ours; see msp_db_transact for the rules. */
enum msp_result msp_sql_error(struct msp_db *db, const PGresult *result, struct msp_error *error);

/* Cancels on a thread of its own, since PQcancel waits without a deadline. Takes `cancel` over. */
void msp_cancel_in_background(PGcancel *cancel);

#endif
