/*
 * The main function of an HTTP worker: prepares what its threads share, starts CivetWeb on the
 * master's listener, and leaves without cutting an answer. Answers no request itself.
 */
#include "http_worker.h"

#include "civetweb_seam.h"
#include "known_tokens.h"
#include "openapi/openapi.h"
#include "rate_gate.h"
#include "router.h"
#include "self_test.h"
#include "workspace.h"

#include "msp/clock.h"
#include "msp/log.h"

#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* How often a worker looks whether settings changed or an unreachable database came back. */
#define LOOK_MS           1000
#define DATABASE_CHECK_MS 2000

/* CivetWeb's own words about a connection are for debugging; about its start they matter. */
static atomic_bool civetweb_serves;

static int log_message(const struct mg_connection *connection, const char *message)
{
    (void)connection;
    msp_log(atomic_load(&civetweb_serves) ? MSP_LOG_DEBUG : MSP_LOG_WARNING, "CivetWeb says",
            "message", message, NULL);
    return 1;
}

static struct msp_http_worker *worker_of(const struct mg_connection *connection)
{
    return mg_get_user_data(mg_get_context(connection));
}

static int begin_request(struct mg_connection *connection)
{
    return msp_router_serve(worker_of(connection), connection);
}

/* A head that CivetWeb could not read, or did not get in time. */
static int http_error(struct mg_connection *connection, int status, const char *message)
{
    static const struct {
        int status;
        const char *code;
        const char *detail;
    } faults[] = {
        [MSP_SEAM_HEAD_BAD] = {400, "request_malformed",
                               "This is not an HTTP/1.1 request that can be read in one way."},
        [MSP_SEAM_HEAD_TOO_LONG] = {431, "head_too_large",
                                    "The request's head is larger than 16 KiB."},
        [MSP_SEAM_HEAD_TOO_SLOW] = {408, "head_too_slow",
                                    "The request's head did not arrive within 5 s."},
    };
    (void)message;
    enum msp_seam_head fault = msp_seam_head_fault();
    if (status == 505)
        msp_router_refuse(worker_of(connection), connection, 505, "version_unknown",
                          "Use HTTP/1.1 or HTTP/1.0.");
    else
        msp_router_refuse(worker_of(connection), connection, faults[fault].status,
                          faults[fault].code, faults[fault].detail);
    return 0;
}

/*
 * CivetWeb closes without a word on a request target that is "*" or a whole URL, and calls nobody.
 * The connection is still whole here; only its type says that we should not use it.
 */
static void connection_close(const struct mg_connection *connection)
{
    if (msp_seam_head_unanswered())
        msp_router_refuse(worker_of(connection), (struct mg_connection *)(uintptr_t)connection, 400,
                          "request_target_unknown",
                          "The request target must be a path that starts with /.");
}

static struct mg_context *start_civetweb(struct msp_http_worker *worker)
{
    const struct msp_settings *settings = worker->child->settings;
    char threads[16];
    char head_bytes[16];
    (void)snprintf(threads, sizeof threads, "%d", settings->http_threads);
    (void)snprintf(head_bytes, sizeof head_bytes, "%d", MSP_SEAM_HEAD_BYTES);
    const char *options[] = {
        "listening_ports",
        "127.0.0.1:1", /* the seam puts the master's listener in its place */
        "listen_backlog",
        "4096", /* listen() is called again on the shared socket; keep its queue */
        "num_threads",
        threads,
        "connection_queue",
        "1", /* what waits in a worker dies with it */
        "max_request_size",
        head_bytes,
        "request_timeout_ms",
        "5000",
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        "86400000", /* the seam's limit comes first and can be changed */
        "tcp_nodelay",
        "1",
        "decode_url",
        "no", /* once, by us */
        "decode_query_string",
        "no",
        "enable_auth_domain_check",
        "no",
        "access_control_allow_origin",
        "", /* else CivetWeb grants every origin by itself */
        "access_control_allow_methods",
        "",
        "access_control_allow_headers",
        "",
        NULL,
    };
    static const struct mg_callbacks callbacks = {
        .begin_request = begin_request,
        .http_error = http_error,
        .log_message = log_message,
        .connection_close = connection_close,
    };
    const struct msp_seam_options seam = {
        .listener = worker->child->http_listener,
        .max_connections = settings->http_threads,
        .keep_alive_ms = settings->keep_alive_seconds * 1000,
        .open_connections = &worker->child->slot->connections,
    };
    struct mg_context *context = msp_seam_start(&seam, &callbacks, worker, options);
    atomic_store(&civetweb_serves, context != NULL);
    return context;
}

static void pause_ms(int milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Stops taking connections, lets those that are open end, then stops CivetWeb, whose own stop cuts
 * answers. */
static void drain(struct msp_http_worker *worker, struct mg_context *context)
{
    int64_t deadline_ms =
        msp_clock_monotonic_ms() + (int64_t)worker->child->settings->drain_seconds * 1000;
    atomic_store(&worker->draining, true);
    msp_seam_drain();
    while (msp_seam_connections() > 0 && msp_clock_monotonic_ms() < deadline_ms) {
        pause_ms(5);
        msp_log_flush();
    }
    int left = msp_seam_connections();
    if (left > 0) {
        char count[16];
        (void)snprintf(count, sizeof count, "%d", left);
        msp_log(MSP_LOG_WARNING, "Ending connections that were still open after DRAIN_SECONDS",
                "connections", count, NULL);
    }
    msp_seam_stop(context);
}

static struct msp_log_page *log_page(const struct msp_child *child)
{
    return msp_log_page_at(child->shared->log_pages,
                           (size_t)(child->slot - child->shared->board->slots));
}

/* Applies what holds at once and is not read from a request's settings. */
static void follow_settings(const struct msp_http_worker *worker, uint64_t *generation,
                            int *log_hold_ms)
{
    const struct msp_settings_cache *cache = worker->child->shared->settings;
    uint64_t now = msp_settings_cache_generation(cache);
    if (now == *generation)
        return;
    struct msp_settings settings;
    msp_settings_cache_read(cache, &settings);
    msp_log_configure(settings.log_level, settings.log_format);
    *log_hold_ms = settings.log_hold_ms;
    msp_log_hold(settings.log_hold_ms > 0 ? log_page(worker->child) : NULL);
    msp_seam_set_keep_alive(settings.keep_alive_seconds * 1000);
    *generation = now;
}

/*
 * Looks at the login once (msp_db_check). False if it must never be used; a database that does not
 * answer is only asked again later.
 */
static bool check_database(struct msp_http_worker *worker, bool first_look)
{
    struct msp_db *db = NULL;
    struct msp_error error;
    if (atomic_load(&worker->database_checked))
        return true;
    enum msp_result result = msp_pool_take(worker->pool, 0, &db, &error);
    if (result != MSP_OK)
        return true;
    result = msp_db_check(db, msp_clock_monotonic_ms() + DATABASE_CHECK_MS, &error);
    msp_pool_give(worker->pool, db);
    if (result == MSP_OK)
        atomic_store_explicit(&worker->database_checked, true, memory_order_release);
    else if (result == MSP_INVALID)
        msp_log(MSP_LOG_ERROR, "The database may not be used like this", "detail", error.detail,
                NULL);
    else if (first_look)
        msp_log(MSP_LOG_WARNING, "Cannot look at the database yet; trying again every second",
                "detail", error.detail, NULL);
    return result != MSP_INVALID;
}

/* Waits for LOOK_MS, writing the lines of the log that were held for long enough. True if the
 * worker was asked to leave. */
static bool wait_to_look(const struct msp_child *child, int log_hold_ms)
{
    int slice_ms = log_hold_ms > 0 ? log_hold_ms : LOOK_MS;
    bool leaves = false;
    for (int waited_ms = 0; waited_ms < LOOK_MS && !leaves; waited_ms += slice_ms) {
        leaves = msp_child_should_stop(child, slice_ms);
        msp_log_flush();
    }
    return leaves;
}

static int serve(struct msp_http_worker *worker)
{
    uint64_t generation = 0;
    int log_hold_ms = 0;
    /* Before the first connection, so that a replaced worker turns nobody away. */
    if (!check_database(worker, true) ||
        (worker->child->on_trial && !atomic_load(&worker->database_checked)))
        return MSP_EXIT_MISCONFIGURED;
    struct mg_context *context = start_civetweb(worker);
    if (context == NULL) {
        msp_log(MSP_LOG_ERROR,
                "Cannot start CivetWeb; check HTTP_THREADS against ulimit -u and "
                "the memory there is",
                NULL);
        return MSP_EXIT_RESTART;
    }
    msp_memory_limit_process(worker->child->settings->http_memory_mib);
    msp_child_ready(worker->child);
    bool usable = true;
    follow_settings(worker, &generation, &log_hold_ms);
    while (usable && !wait_to_look(worker->child, log_hold_ms)) {
        follow_settings(worker, &generation, &log_hold_ms);
        usable = check_database(worker, false);
    }
    drain(worker, context);
    msp_log_hold(NULL);
    return usable ? MSP_EXIT_DONE : MSP_EXIT_MISCONFIGURED;
}

/* A descriptor a connection, and some for the pool, the log and the libraries. */
static void raise_descriptor_limit(int threads)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)threads + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    bool enough = limit.rlim_max >= wanted;
    limit.rlim_cur = enough ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || !enough)
        msp_log(MSP_LOG_WARNING,
                "Too few descriptors for HTTP_THREADS; raise ulimit -n or lower HTTP_THREADS",
                NULL);
}

/*
 * A thread that a request wakes waits for its turn instead of pushing another aside. With a thread
 * a connection that saved a sixth of all processor time for a small answer (tests/bench/run livez);
 * on an idle processor it starts as soon as ever. Threads started later inherit it.
 */
static void prefer_throughput(void)
{
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none); /* where it is forbidden, only speed is lost */
}

static bool prepare(struct msp_http_worker *worker, struct msp_error *error)
{
    const struct msp_settings *settings = worker->child->settings;
    char name[32];
    (void)snprintf(name, sizeof name, "msp http worker %d", worker->child->number);
    const struct msp_db_options options = {
        .url = settings->database_url,
        .role = "msp_api",
        .application_name = name,
        .statement_timeout_ms = settings->db_statement_timeout_seconds * 1000,
    };
    raise_descriptor_limit(settings->http_threads);
    prefer_throughput();
    if (msp_job_socket_path(settings, worker->job_socket_path, sizeof worker->job_socket_path,
                            error) != MSP_OK)
        return false;
    if (msp_rate_gate_new(worker->child->shared->rates, settings->redis_url, &worker->rates,
                          error) != MSP_OK)
        return false;
    msp_memory_budget_init(&worker->memory, settings->http_memory_mib);
    worker->pool = msp_pool_new(&options, settings->db_pool_size);
    worker->workspaces = msp_workspace_pool_new(worker->child->shared->settings);
    worker->tokens = msp_known_tokens_new();
    if (worker->pool == NULL || worker->workspaces == NULL || worker->tokens == NULL) {
        (void)msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory at the start.");
        return false;
    }
    msp_board_set(&worker->child->slot->pool_size, settings->db_pool_size);
    msp_pool_watch(worker->pool, &worker->child->slot->pool_in_use,
                   &worker->child->slot->pool_refused);
    /* jansson draws its hash seed at first use, which must not be a race of threads. */
    json_object_seed(0);
    (void)mg_init_library(0);
    if (msp_openapi_new(&worker->openapi, error) != MSP_OK)
        return false;
    return msp_self_test_run(error) == MSP_OK;
}

int msp_http_worker_main(const struct msp_child *child)
{
    struct msp_http_worker worker = {.child = child};
    struct msp_error error = {0};
    int code;
    if (prepare(&worker, &error)) {
        code = serve(&worker);
    } else {
        /* Only what depends on the moment is worth another try. */
        bool passing = error.result == MSP_UNAVAILABLE || error.result == MSP_NO_MEMORY;
        msp_log(MSP_LOG_ERROR, "This HTTP worker cannot start", "code", error.code, "detail",
                error.detail, NULL);
        code = passing ? MSP_EXIT_RESTART : MSP_EXIT_MISCONFIGURED;
    }
    msp_workspace_pool_free(worker.workspaces);
    msp_rate_gate_free(worker.rates);
    msp_known_tokens_free(worker.tokens);
    msp_openapi_free(worker.openapi);
    msp_pool_free(worker.pool);
    return code;
}
