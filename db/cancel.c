/* Asking PostgreSQL to stop a statement without waiting for it to answer. */
#include "connection.h"

#include <stdint.h>

/*
 * PQcancel opens a connection and waits for the server to close it; a stopped server never does. So
 * each one gets a thread, and past this many at once none is sent: the server's statement_timeout
 * stands behind it.
 */
#define MAX_CANCELS 16

static atomic_int cancels_under_way;

static void *cancel_main(void *context)
{
    PGcancel *cancel = context;
    char reason[256];
    /* Nothing can be done about a failure: the statement has ended, or its connection is gone. */
    (void)PQcancel(cancel, reason, sizeof(reason));
    PQfreeCancel(cancel);
    atomic_fetch_sub(&cancels_under_way, 1);
    return NULL;
}

void msp_cancel_in_background(PGcancel *cancel)
{
    if (cancel == NULL)
        return;
    if (atomic_fetch_add(&cancels_under_way, 1) < MAX_CANCELS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, cancel_main, cancel) == 0) {
            pthread_detach(thread);
            return;
        }
    }
    atomic_fetch_sub(&cancels_under_way, 1);
    PQfreeCancel(cancel);
}

void msp_db_cancel(struct msp_db *db)
{
    pthread_mutex_lock(&db->cancel_lock);
    PGcancel *cancel = NULL;
    if (db->connection != NULL && atomic_load(&db->busy)) {
        atomic_store(&db->cancel_requested, true);
        cancel = PQgetCancel(db->connection);
    }
    pthread_mutex_unlock(&db->cancel_lock);
    msp_cancel_in_background(cancel);
}

void msp_db_hang_up(struct msp_db *db)
{
    msp_db_disconnect(db);
}
