/*
 * Opening and closing connections, and waiting on their sockets. Non-blocking throughout: no call
 * into libpq here waits by itself, so every wait has our deadline.
 */
#include "connection.h"

#include "msp/clock.h"
#include "msp/migrate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_or_null(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

struct msp_db *msp_db_new(const struct msp_db_options *options)
{
    struct msp_db *db = calloc(1, sizeof(*db));
    if (db == NULL)
        return NULL;
    if (pthread_mutex_init(&db->cancel_lock, NULL) != 0) {
        free(db);
        return NULL;
    }
    db->options.statement_timeout_ms = options->statement_timeout_ms;
    db->options.url = copy_or_null(options->url);
    db->options.role = copy_or_null(options->role);
    db->options.application_name = copy_or_null(options->application_name);
    if (db->options.url == NULL || (options->role != NULL && db->options.role == NULL) ||
        (options->application_name != NULL && db->options.application_name == NULL)) {
        msp_db_free(db);
        return NULL;
    }
    return db;
}

void msp_db_free(struct msp_db *db)
{
    if (db == NULL)
        return;
    msp_db_disconnect(db);
    pthread_mutex_destroy(&db->cancel_lock);
    /* Copies made by msp_db_new; the struct's const is for callers who pass literals. */
    free((char *)(uintptr_t)db->options.url);
    free((char *)(uintptr_t)db->options.role);
    free((char *)(uintptr_t)db->options.application_name);
    free(db);
}

void msp_db_disconnect(struct msp_db *db)
{
    pthread_mutex_lock(&db->cancel_lock);
    PGconn *connection = db->connection;
    db->connection = NULL;
    pthread_mutex_unlock(&db->cancel_lock);
    PQfinish(connection);
    db->prepared_count = 0;
    db->phase = MSP_DB_IDLE;
    atomic_store(&db->busy, false);
}

/* libpq's messages end in a newline and may hold several lines; the first one says it. */
/* SQLSTATE of a login that may not SET ROLE to what it was told to: insufficient_privilege. */
#define ROLE_REFUSED "42501"

static enum msp_result fail_with_reason(PGconn *connection, const char *what,
                                        struct msp_error *error)
{
    char reason[256];
    snprintf(reason, sizeof(reason), "%s", connection != NULL ? PQerrorMessage(connection) : "");
    reason[strcspn(reason, "\n")] = '\0';
    return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable", "%s%s%s", what,
                    reason[0] != '\0' ? ": " : ".", reason);
}

enum msp_result msp_db_lost(struct msp_db *db, struct msp_error *error)
{
    enum msp_result result =
        fail_with_reason(db->connection, "The connection to PostgreSQL was lost", error);
    msp_db_disconnect(db);
    return result;
}

enum msp_result msp_db_give_up(struct msp_db *db, struct msp_error *error)
{
    if (db->connection != NULL && PQstatus(db->connection) == CONNECTION_OK)
        msp_cancel_in_background(PQgetCancel(db->connection));
    msp_db_disconnect(db);
    return msp_fail(error, MSP_TIMED_OUT, "database_timed_out",
                    "PostgreSQL did not answer in time.");
}

/* A thread's own, since a request has one thread and its work is spread over many calls. */
static _Thread_local int64_t waited_us;

int64_t msp_db_waited_us(void)
{
    return waited_us;
}

static int poll_socket(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - msp_clock_monotonic_ms();
        if (left_ms < 0)
            return 0;
        struct pollfd wait = {.fd = fd, .events = events};
        int ready = poll(&wait, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0)
            return ready;
        if (ready < 0 && errno != EINTR)
            return -1;
    }
}

/* Polls the socket; > 0 ready, 0 deadline passed, < 0 failed. */
static int wait_socket(int fd, short events, int64_t deadline_ms)
{
    const int64_t begun_us = msp_clock_monotonic_us();
    const int ready = poll_socket(fd, events, deadline_ms);
    waited_us += msp_clock_monotonic_us() - begun_us;
    return ready;
}

enum msp_result msp_db_flush(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    for (;;) {
        int pending = PQflush(db->connection);
        if (pending == 0)
            return MSP_OK;
        if (pending < 0)
            return msp_db_lost(db, error);
        int ready = wait_socket(PQsocket(db->connection), POLLIN | POLLOUT, deadline_ms);
        if (ready == 0)
            return msp_db_give_up(db, error);
        if (ready < 0 || !PQconsumeInput(db->connection))
            return msp_db_lost(db, error);
    }
}

enum msp_result msp_db_wait_copy(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    int ready = wait_socket(PQsocket(db->connection), POLLIN, deadline_ms);
    if (ready == 0)
        return msp_db_give_up(db, error);
    if (ready < 0 || !PQconsumeInput(db->connection))
        return msp_db_lost(db, error);
    return MSP_OK;
}

enum msp_result msp_db_wait_result(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    while (PQisBusy(db->connection)) {
        int ready = wait_socket(PQsocket(db->connection), POLLIN, deadline_ms);
        if (ready == 0)
            return msp_db_give_up(db, error);
        if (ready < 0 || !PQconsumeInput(db->connection))
            return msp_db_lost(db, error);
    }
    return MSP_OK;
}

static PGconn *start_connection(const struct msp_db_options *options)
{
    /* Every statement is prepared and made for its generic plan; planning anew costs more than
     * reading a month. */
    char server_options[384];
    int used = snprintf(server_options, sizeof(server_options),
                        "-c statement_timeout=%d -c idle_in_transaction_session_timeout=60000 "
                        "-c client_min_messages=warning -c timezone=UTC -c datestyle=ISO "
                        "-c client_connection_check_interval=2000 "
                        "-c plan_cache_mode=force_generic_plan",
                        options->statement_timeout_ms);
    if (options->role != NULL)
        snprintf(server_options + used, sizeof(server_options) - (size_t)used, " -c role=%s",
                 options->role);
    /*
     * Later words win over those in the URL. A dead peer is noticed in seconds, not in hours, on
     * both sides: a killed worker's statement ends soon too (client_connection_check_interval), and
     * with it the locks it holds.
     */
    const char *names[] = {"dbname",           "options",          "application_name",
                           "client_encoding",  "connect_timeout",  "keepalives_idle",
                           "keepalives_count", "tcp_user_timeout", NULL};
    const char *values[] = {
        options->url, server_options, options->application_name, "UTF8", "5", "15", "3", "15000",
        NULL};
    return PQconnectStartParams(names, values, 1);
}

/*
 * Whether the connection is still there. A server that restarted while it lay idle has closed it,
 * and has said so: an idle connection has nothing to read but that, or a notice. Asking first
 * spares the request that would find out.
 */
static bool still_connected(struct msp_db *db)
{
    if (db->connection == NULL || PQstatus(db->connection) != CONNECTION_OK)
        return false;
    struct pollfd look = {.fd = PQsocket(db->connection), .events = POLLIN};
    while (poll(&look, 1, 0) > 0) {
        if (!PQconsumeInput(db->connection))
            return false;
    }
    return true;
}

enum msp_result msp_db_connect(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    if (still_connected(db))
        return MSP_OK;
    msp_db_disconnect(db);
    PGconn *connection = start_connection(&db->options);
    if (connection == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a database connection.");
    /* Only the verbose form names the SQLSTATE of a refused login. */
    (void)PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(connection) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        int ready = wait_socket(PQsocket(connection),
                                status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms);
        if (ready <= 0) {
            PQfinish(connection);
            return msp_fail(error, MSP_UNAVAILABLE, "database_unavailable",
                            "PostgreSQL did not accept a connection in time.");
        }
        status = PQconnectPoll(connection);
    }
    if (PQstatus(connection) != CONNECTION_OK || PQsetnonblocking(connection, 1) != 0 ||
        PQenterPipelineMode(connection) != 1) {
        enum msp_result result =
            fail_with_reason(connection, "Cannot connect to PostgreSQL", error);
        if (error != NULL && strstr(PQerrorMessage(connection), ROLE_REFUSED ": ") != NULL)
            (void)snprintf(error->code, sizeof(error->code), "sql_%s", ROLE_REFUSED);
        PQfinish(connection);
        return result;
    }
    pthread_mutex_lock(&db->cancel_lock);
    db->connection = connection;
    pthread_mutex_unlock(&db->cancel_lock);
    return MSP_OK;
}

enum msp_result msp_db_check(struct msp_db *db, int64_t deadline_ms, struct msp_error *error)
{
    static const struct msp_statement check_role = {
        "check_role",
        "SELECT r.rolname, r.rolsuper, r.rolbypassrls,"
        "       EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid"
        "                AND c.oid = to_regclass('msp.raw_tickets'))"
        "  FROM pg_roles r WHERE r.rolname IN (session_user, current_user)",
        false};
    static const struct msp_statement check_schema = {
        "check_schema", "SELECT coalesce(max(number), 0) FROM msp.migrations", false};
    struct msp_call calls[] = {{&check_role, NULL, NULL}, {&check_schema, NULL, NULL}};
    struct msp_scope scope = {0, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, 1, deadline_ms, error);
    if (result == MSP_UNAVAILABLE && strcmp(error->code, "sql_" ROLE_REFUSED) == 0)
        return msp_fail(error, MSP_INVALID, "database_role_missing",
                        "The database login may not take up the role %s. Use the logins that "
                        "db/bootstrap.sql makes.",
                        db->options.role != NULL ? db->options.role : "it needs");
    if (result != MSP_OK)
        return result;
    for (int row = 0; row < PQntuples(calls[0].result) && result == MSP_OK; row++) {
        const char *power = NULL;
        if (msp_result_bool(calls[0].result, row, 1))
            power = "is a superuser";
        else if (msp_result_bool(calls[0].result, row, 2))
            power = "has BYPASSRLS";
        else if (msp_result_bool(calls[0].result, row, 3))
            power = "owns the tables";
        if (power != NULL)
            result =
                msp_fail(error, MSP_INVALID, "database_role_too_powerful",
                         "The database role %s %s, so row-level security would not hold. Use the "
                         "logins that db/bootstrap.sql makes.",
                         msp_result_text(calls[0].result, row, 0), power);
    }
    if (result == MSP_OK) {
        result = msp_db_transact(db, &scope, calls + 1, 1, deadline_ms, error);
        if (result == MSP_OK && msp_result_int(calls[1].result, 0, 0) != msp_migrate_latest())
            result = msp_fail(
                error, MSP_INVALID, "schema_version",
                "The database is at migration %d, this program needs %d. Run `msp-analytics "
                "migrate` with the newer of the two.",
                (int)msp_result_int(calls[1].result, 0, 0), msp_migrate_latest());
        else if (result == MSP_UNAVAILABLE && strncmp(error->code, "sql_", 4) == 0)
            result = msp_fail(error, MSP_INVALID, "schema_missing",
                              "The database has no schema yet. Run `msp-analytics migrate`.");
    }
    msp_calls_clear(calls, 2);
    return result;
}
