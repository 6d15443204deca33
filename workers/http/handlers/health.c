/* Health for balancers and people. Reads shared memory only: a check must not become a load or hang
 * on what it checks. */
#include "handlers.h"

#include "../http_worker.h"

#include "msp/clock.h"
#include "msp/json_writer.h"
#include "msp/source_kinds.h"

#include <string.h>

/* The snapshot keeper looks every 5 s; after six missed looks its word is stale. */
#define KEEPER_SILENT_US INT64_C(30000000)

static const char media_type[] = "application/json";

struct health {
    bool stopping;         /* the whole node; one worker that makes room for another is no news */
    bool postgres_checked; /* by this worker, at its start */
    bool postgres_answers;
    bool tenants_loaded;
    bool keeper_silent;
    bool redis_configured;
    bool redis_answers;
};

static struct health look(const struct msp_http_worker *worker)
{
    const struct msp_shared_map *shared = worker->child->shared;
    const struct msp_board_health *board = &shared->board->health;
    int64_t looked_us = msp_board_read(&board->checked_us);
    return (struct health){
        .stopping = __atomic_load_n(&shared->board->stopping, __ATOMIC_RELAXED) != 0,
        .postgres_checked = atomic_load(&worker->database_checked),
        .postgres_answers = looked_us > 0 && msp_board_read(&board->postgres_failed_since_us) == 0,
        .tenants_loaded = msp_tenant_cache_generation(shared->tenants) > 0,
        .keeper_silent = msp_clock_unix_us() - looked_us > KEEPER_SILENT_US,
        .redis_configured = __atomic_load_n(&board->redis_configured, __ATOMIC_RELAXED) != 0,
        .redis_answers = msp_board_read(&board->redis_failed_since_us) == 0,
    };
}

/* Why no request should be sent here; NULL = ready. */
static const char *reason_not_ready(const struct health *health)
{
    if (health->stopping)
        return "This server is stopping; ask again once it is back.";
    if (!health->postgres_checked || !health->postgres_answers)
        return "PostgreSQL does not answer; check DATABASE_URL and the database.";
    if (!health->tenants_loaded)
        return "The tenants are not loaded yet; try again in a moment.";
    return NULL;
}

/* Serves, but not as it should. */
static bool is_degraded(const struct health *health)
{
    return health->keeper_silent || (health->redis_configured && !health->redis_answers);
}

static const char *redis_word(const struct health *health)
{
    if (!health->redis_configured)
        return "not_configured";
    return health->redis_answers ? "ok" : "unreachable";
}

static void write_fault(struct msp_json_writer *json, const char *check, int64_t since_us)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "check", check);
    msp_json_key_time(json, "since", since_us);
    msp_json_end_object(json);
}

/* What is not as it should be, and since when. */
static void write_degraded(struct msp_json_writer *json, const struct health *health,
                           const struct msp_board_health *board)
{
    msp_json_key(json, "degraded");
    msp_json_begin_array(json);
    if (health->redis_configured && !health->redis_answers)
        write_fault(json, "redis", msp_board_read(&board->redis_failed_since_us));
    if (health->keeper_silent)
        write_fault(json, "snapshot", msp_board_read(&board->checked_us));
    msp_json_end_array(json);
}

static void write_checks(struct msp_json_writer *json, const struct health *health,
                         const struct msp_board_health *board)
{
    msp_json_key_string(json, "status", is_degraded(health) ? "degraded" : "ready");
    msp_json_key(json, "checks");
    msp_json_begin_object(json);
    msp_json_key_string(json, "postgres", "ok");
    msp_json_key_string(json, "redis", redis_word(health));
    msp_json_key_string(json, "tenants", "loaded");
    msp_json_key_string(json, "snapshot", health->keeper_silent ? "silent" : "ok");
    msp_json_end_object(json);
    write_degraded(json, health, board);
}

/* Of each kind in use: how far the tenant furthest behind is, and how many fail. */
static void write_sources(struct msp_json_writer *json, const struct msp_board_sources *sources)
{
    const struct msp_source_kind *kind = NULL;
    msp_json_key(json, "sources");
    msp_json_begin_array(json);
    for (size_t i = 0; i < MSP_BOARD_SOURCES && (kind = msp_source_kind_at(i)) != NULL; i++) {
        const struct msp_board_source *source = &sources->kinds[i];
        int64_t lag_seconds = msp_board_lag_seconds(source, msp_clock_unix_us());
        if (msp_board_read(&source->tenants) == 0)
            continue;
        msp_json_begin_object(json);
        msp_json_key_string(json, "kind", kind->name);
        msp_json_key_int(json, "tenants", msp_board_read(&source->tenants));
        msp_json_key(json, "lag_seconds");
        if (lag_seconds < 0)
            msp_json_null(json);
        else
            msp_json_int(json, lag_seconds);
        msp_json_key_int(json, "never_drained", msp_board_read(&source->never_drained));
        msp_json_key_int(json, "failing", msp_board_read(&source->failing));
        msp_json_end_object(json);
    }
    msp_json_end_array(json);
}

static int refuse(const struct msp_request *request, struct msp_response *response,
                  const char *reason)
{
    int status = msp_problem(request, response, 503, "not_ready", reason, NULL);
    msp_response_header(response, "Retry-After", "2");
    return status;
}

int msp_handle_livez(const struct msp_request *request, struct msp_response *response)
{
    static const char alive[] = "{\"status\":\"alive\"}";
    (void)request;
    response->content_type = media_type;
    msp_buffer_append(&response->body, alive, sizeof alive - 1);
    return 200;
}

int msp_handle_readyz(const struct msp_request *request, struct msp_response *response)
{
    struct health health = look(request->worker);
    const char *reason = reason_not_ready(&health);
    if (reason != NULL)
        return refuse(request, response, reason);
    struct msp_json_writer json;
    msp_json_writer_init(&json, &response->body);
    msp_json_begin_object(&json);
    write_checks(&json, &health, &request->worker->child->shared->board->health);
    write_sources(&json, &request->worker->child->shared->board->sources);
    msp_json_end_object(&json);
    response->content_type = media_type;
    return 200;
}

int msp_handle_healthz(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_shared_map *shared = request->worker->child->shared;
    struct health health = look(request->worker);
    const char *reason = reason_not_ready(&health);
    if (reason != NULL)
        return refuse(request, response, reason);
    struct msp_json_writer json;
    msp_json_writer_init(&json, &response->body);
    msp_json_begin_object(&json);
    write_checks(&json, &health, &shared->board->health);
    msp_json_key_string(&json, "version", MSP_VERSION);
    msp_json_key_time(&json, "started_at", msp_board_read(&shared->board->started_us));
    msp_json_key_int(&json, "settings_generation",
                     (int64_t)msp_settings_cache_generation(shared->settings));
    msp_json_key_int(&json, "tenants_generation",
                     (int64_t)msp_tenant_cache_generation(shared->tenants));
    msp_json_end_object(&json);
    response->content_type = media_type;
    return 200;
}
