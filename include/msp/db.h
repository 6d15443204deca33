/*
 * Connections to PostgreSQL. The only way to run a statement is inside a
 * transaction that names its scope (tenant and role) first, so that nothing can
 * run without a tenant by accident; everything goes out in one pipeline, one
 * round trip, with a deadline. A connection that failed in any way is closed and made
 * anew, never handed on. One thread at a time uses a connection.
 */
#ifndef MSP_DB_H
#define MSP_DB_H

#include "msp/result.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msp_db;

struct msp_db_options {
    const char *url;  /* libpq URI or key=value string */
    const char *role; /* SET ROLE for the whole connection ("msp_api"); NULL: the login itself */
    const char *application_name; /* shown in pg_stat_activity */
    int statement_timeout_ms;     /* the server's own guard behind our deadlines; 0 = none */
};

/* Nothing is connected yet: a connection is made by the first transaction and again after a
 * failure. Texts are copied. */
struct msp_db *msp_db_new(const struct msp_db_options *options) MSP_MUST_CHECK;
void msp_db_free(struct msp_db *db);

/*
 * Refuses a login that could walk through the wall: MSP_INVALID if the session or current
 * role is a superuser, has BYPASSRLS or owns msp.raw_tickets, or if the schema is older or newer
 * than this program ("run msp-analytics migrate"); MSP_UNAVAILABLE if PostgreSQL cannot be asked.
 */
enum msp_result msp_db_check(struct msp_db *db, int64_t deadline_ms,
                             struct msp_error *error) MSP_MUST_CHECK;

/* A statement, prepared once a connection under its name. Static storage. */
struct msp_statement {
    const char *name;
    const char *sql;
    bool binary_result; /* results come in binary format */
};

#define MSP_DB_MAX_PARAMS 40

/* Parameter values in order. Small numbers are kept inside; texts and arrays are borrowed until the
 * call returns. */
struct msp_params {
    int count;
    const char *values[MSP_DB_MAX_PARAMS];
    int lengths[MSP_DB_MAX_PARAMS];
    int formats[MSP_DB_MAX_PARAMS];
    char scratch[MSP_DB_MAX_PARAMS][8];
};

void msp_params_init(struct msp_params *params);
void msp_params_null(struct msp_params *params);
void msp_params_text(struct msp_params *params, const char *text); /* NULL = null */
void msp_params_int(struct msp_params *params, int64_t value);     /* for $n::bigint */
void msp_params_bool(struct msp_params *params, bool value);
void msp_params_day(struct msp_params *params,
                    int32_t unix_day); /* for $n::date; MSP_NO_DAY = null */
void msp_params_time(struct msp_params *params,
                     int64_t unix_us); /* for $n::timestamptz; MSP_NO_TIME = null */
void msp_params_binary(struct msp_params *params, const void *bytes,
                       size_t size); /* PostgreSQL's binary form */

/* Whose rows a transaction sees. */
struct msp_scope {
    int64_t tenant_id; /* set by msp.set_tenant; 0 = no tenant: tenant tables show nothing */
    const char *role;  /* of the transaction ("msp_admin"); NULL = the connection's own */
};

struct msp_call {
    const struct msp_statement *statement;
    const struct msp_params *params; /* NULL = none */
    PGresult *result; /* out: the caller clears it (msp_calls_clear); NULL on failure */
};

/*
 * Scope and all calls in one transaction and one round trip. No BEGIN and no COMMIT are sent: what
 * stands before a Sync is one transaction, which the Sync commits (PostgreSQL, "Frontend/Backend
 * Protocol", Pipelining); the two would take a tenth of the time. On failure nothing was committed,
 * unless it is MSP_TIMED_OUT or MSP_UNAVAILABLE behind the sending, which nobody can know.
 * Failures: MSP_UNAVAILABLE (cannot connect, connection lost, a deadlock or serialization failure:
 * the same again will do), MSP_TIMED_OUT (the statement is cancelled on the server too),
 * MSP_CANCELLED, MSP_CONFLICT (unique violation 23505), MSP_INVALID (class 22 and check violations,
 * and SQLSTATE MS001 raised by our own functions), MSP_FORBIDDEN (42501), MSP_BROKEN otherwise;
 * error->code is "sql_" and the SQLSTATE where the server gave one.
 */
enum msp_result msp_db_transact(struct msp_db *db, const struct msp_scope *scope,
                                struct msp_call *calls, size_t count, int64_t deadline_ms,
                                struct msp_error *error) MSP_MUST_CHECK;

/* The two halves of msp_db_transact, to do other work while the server works. One transaction at a
 * time. */
enum msp_result msp_db_send(struct msp_db *db, const struct msp_scope *scope,
                            struct msp_call *calls, size_t count, int64_t deadline_ms,
                            struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_db_receive(struct msp_db *db, struct msp_call *calls, size_t count,
                               int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* For transactions that must look before they write: begin, any number of runs, then commit; roll
 * back at any point. */
enum msp_result msp_db_begin(struct msp_db *db, const struct msp_scope *scope, int64_t deadline_ms,
                             struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_db_run(struct msp_db *db, struct msp_call *calls, size_t count,
                           int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_db_commit(struct msp_db *db, int64_t deadline_ms,
                              struct msp_error *error) MSP_MUST_CHECK;
void msp_db_rollback(struct msp_db *db);

/*
 * COPY (query) TO STDOUT inside an open transaction (msp_db_begin). `sql` has no parameters: text
 * parts must come from us, numbers only. Each row's bytes go to `take`; when it returns false the
 * copy is cancelled and MSP_CANCELLED comes back. The deadline counts from row to row (`idle_ms`).
 */
typedef bool (*msp_copy_take)(void *context, const char *row, size_t length);
enum msp_result msp_db_copy_out(struct msp_db *db, const char *sql, int64_t idle_ms,
                                msp_copy_take take, void *context,
                                struct msp_error *error) MSP_MUST_CHECK;

/* LISTEN on an own connection. `channels` are plain identifiers, separated by commas. */
enum msp_result msp_db_listen(struct msp_db *db, const char *channels, int64_t deadline_ms,
                              struct msp_error *error) MSP_MUST_CHECK;
/* The socket to wait on, -1 while not connected. */
int msp_db_socket(const struct msp_db *db);
/* One notification: its channel and what was said there. */
typedef void (*msp_notification_take)(void *context, const char *channel, const char *payload);

/* Takes in what has arrived: *out_count notifications, each shown to `take` (may be NULL).
 * MSP_UNAVAILABLE = connection lost; listen again. */
enum msp_result msp_db_notifications(struct msp_db *db, msp_notification_take take, void *context,
                                     int *out_count, struct msp_error *error) MSP_MUST_CHECK;

/* Asks the server to cancel what runs on `db`, from any thread, without waiting; harmless if
 * nothing runs. */
void msp_db_cancel(struct msp_db *db);

/* How long this thread has waited for PostgreSQL in all, in microseconds: two looks tell how long
 * it did in between. */
int64_t msp_db_waited_us(void);

/* Closes the connection, so that no cancel that is still on its way can reach what comes next on
 * it; the next transaction connects anew. The owner's thread only, with no transaction under way.
 */
void msp_db_hang_up(struct msp_db *db);

void msp_calls_clear(struct msp_call *calls, size_t count);

/* Reading results. Text-format results unless said otherwise; columns by position. */
bool msp_result_is_null(const PGresult *result, int row, int column);
const char *msp_result_text(const PGresult *result, int row, int column); /* "" for null */
int64_t msp_result_int(const PGresult *result, int row,
                       int column); /* text or binary int2/4/8; 0 for null */
bool msp_result_bool(const PGresult *result, int row, int column);

/* A pool for many threads: few connections, a bounded wait. */
struct msp_pool;
struct msp_pool *msp_pool_new(const struct msp_db_options *options, int size) MSP_MUST_CHECK;
void msp_pool_free(struct msp_pool *pool);

/* Counts there what is in use and what was refused: figures of the status board. Before the first
 * take. */
void msp_pool_watch(struct msp_pool *pool, int64_t *in_use, int64_t *refused);

/* MSP_BUSY if none came free within `wait_ms`. */
enum msp_result msp_pool_take(struct msp_pool *pool, int wait_ms, struct msp_db **out,
                              struct msp_error *error) MSP_MUST_CHECK;
void msp_pool_give(struct msp_pool *pool, struct msp_db *db);

#endif
