/* One row of a table a metric; the rows say where the figure lies, a few functions how it is
 * written. */
#include "metrics_text.h"

#include "route.h"

#include "msp/clock.h"
#include "msp/source_kinds.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* What the functions of the rows read. */
struct view {
    const struct msp_status_board *board;
    struct msp_board_totals totals;
    struct msp_answer_cache_figures answers;
    struct msp_buffer *out;
};

struct metric {
    const char *name;
    const char *type;
    const char *help;
    void (*write)(const struct view *view, const struct metric *metric);
    size_t offset; /* of the figure in what `write` reads */
};

/* ---- samples ---- */

/* Backslash, quote and line end are what a label's value may not hold as they are. */
static void write_escaped(struct msp_buffer *out, const char *value, size_t size)
{
    for (const char *c = value; c < value + size && *c != '\0'; c++) {
        if (*c == '\n')
            msp_buffer_append_text(out, "\\n");
        else if (*c == '\\' || *c == '"')
            msp_buffer_printf(out, "\\%c", *c);
        else
            msp_buffer_append(out, c, 1);
    }
}

static void write_sample(const struct view *view, const struct metric *metric, int64_t value)
{
    msp_buffer_printf(view->out, "%s %" PRId64 "\n", metric->name, value);
}

static void write_labelled(const struct view *view, const struct metric *metric, const char *label,
                           const char *name, int64_t value)
{
    msp_buffer_printf(view->out, "%s{%s=\"", metric->name, label);
    write_escaped(view->out, name, strlen(name));
    msp_buffer_printf(view->out, "\"} %" PRId64 "\n", value);
}

static int64_t figure_at(const void *where, size_t offset)
{
    return msp_board_read((const int64_t *)((const char *)where + offset));
}

static void write_total(const struct view *view, const struct metric *metric)
{
    write_sample(view, metric, figure_at(&view->totals, metric->offset));
}

static void write_of_answers(const struct view *view, const struct metric *metric)
{
    write_sample(view, metric, figure_at(&view->answers, metric->offset));
}

static void write_of_board(const struct view *view, const struct metric *metric)
{
    write_sample(view, metric, figure_at(view->board, metric->offset));
}

static void write_seconds_of_us(const struct view *view, const struct metric *metric)
{
    write_sample(view, metric, figure_at(view->board, metric->offset) / 1000000);
}

/* ---- the program and what it depends on ---- */

static void write_build(const struct view *view, const struct metric *metric)
{
    write_labelled(view, metric, "version", MSP_VERSION, 1);
}

static void write_processes(const struct view *view, const struct metric *metric)
{
    static const char *const kinds[] = {[MSP_PROCESS_HTTP] = "http",
                                        [MSP_PROCESS_JOBS] = "jobs",
                                        [MSP_PROCESS_SNAPSHOT] = "snapshot"};
    for (int32_t kind = MSP_PROCESS_HTTP; kind <= MSP_PROCESS_SNAPSHOT; kind++) {
        int64_t ready = 0;
        for (size_t i = 0; i < MSP_BOARD_SLOTS; i++) {
            const struct msp_board_slot *slot = &view->board->slots[i];
            ready += slot->kind == kind && slot->state == MSP_PROCESS_READY ? 1 : 0;
        }
        write_labelled(view, metric, "kind", kinds[kind], ready);
    }
}

static void write_dependencies(const struct view *view, const struct metric *metric)
{
    const struct msp_board_health *health = &view->board->health;
    write_labelled(view, metric, "name", "postgresql",
                   msp_board_read(&health->postgres_ok_since_us) != 0);
    if (health->redis_configured)
        write_labelled(view, metric, "name", "redis",
                       msp_board_read(&health->redis_ok_since_us) != 0);
}

static void write_shared_memory(const struct view *view, const struct metric *metric)
{
    const char *name = NULL;
    size_t bytes = 0;
    for (size_t i = 0; msp_shared_map_part(i, &name, &bytes); i++)
        write_labelled(view, metric, "part", name, (int64_t)bytes);
}

/* ---- requests ---- */

/* The first route behind `number` (SIZE_MAX = the first of all) that was asked for;
 * MSP_BOARD_ROUTES = none. The last row stands for requests that found no route. */
static size_t next_route(const struct view *view, size_t number)
{
    for (number++; number < MSP_BOARD_ROUTES; number++) {
        const struct msp_board_route *route = &view->board->http.routes[number];
        for (size_t i = 0; i < MSP_BOARD_LATENCY_BUCKETS; i++)
            if (msp_board_read(&route->buckets[i]) > 0)
                return number;
    }
    return number;
}

static void write_route_label(const struct view *view, const char *name, const char *suffix,
                              size_t number)
{
    const bool known = number < msp_route_count;
    msp_buffer_printf(view->out, "%s%s{method=\"%s\",route=\"%s\"", name, suffix,
                      known ? msp_routes[number].method : "-",
                      known ? msp_routes[number].path : "-");
}

static void write_statuses(const struct view *view, const struct metric *metric)
{
    for (size_t n = SIZE_MAX; (n = next_route(view, n)) < MSP_BOARD_ROUTES;) {
        const struct msp_board_route *route = &view->board->http.routes[n];
        for (int i = 0; i < 5; i++) {
            const int64_t count = msp_board_read(&route->statuses[i]);
            if (count == 0)
                continue;
            write_route_label(view, metric->name, "", n);
            msp_buffer_printf(view->out, ",status=\"%dxx\"} %" PRId64 "\n", i + 1, count);
        }
    }
}

/* A histogram's samples behind its labels: `buckets` each for themselves, `bounds` in microseconds
 * of all but the last. The count is made of them: read one by one, two figures could differ. */
struct histogram {
    const int64_t *buckets;
    const int64_t *bounds_us;
    size_t count;
    int64_t sum_us;
};

static void write_bucket(const struct view *view, const struct histogram *histogram, size_t i,
                         int64_t so_far)
{
    if (i + 1 < histogram->count)
        msp_buffer_printf(view->out, ",le=\"%g\"} %" PRId64 "\n",
                          (double)histogram->bounds_us[i] / 1e6, so_far);
    else
        msp_buffer_printf(view->out, ",le=\"+Inf\"} %" PRId64 "\n", so_far);
}

static void write_sum(const struct view *view, int64_t sum_us)
{
    msp_buffer_printf(view->out, "} %" PRId64 ".%06d\n", sum_us / 1000000, (int)(sum_us % 1000000));
}

static void write_latencies(const struct view *view, const struct metric *metric)
{
    for (size_t n = SIZE_MAX; (n = next_route(view, n)) < MSP_BOARD_ROUTES;) {
        const struct msp_board_route *route = &view->board->http.routes[n];
        const struct histogram histogram = {route->buckets, msp_board_latency_bounds_us,
                                            MSP_BOARD_LATENCY_BUCKETS,
                                            msp_board_read(&route->us_sum)};
        int64_t count = 0;
        for (size_t i = 0; i < histogram.count; i++) {
            count += msp_board_read(&histogram.buckets[i]);
            write_route_label(view, metric->name, "_bucket", n);
            write_bucket(view, &histogram, i, count);
        }
        write_route_label(view, metric->name, "_sum", n);
        write_sum(view, histogram.sum_us);
        write_route_label(view, metric->name, "_count", n);
        msp_buffer_printf(view->out, "} %" PRId64 "\n", count);
    }
}

static void write_limited(const struct view *view, const struct metric *metric)
{
    for (int i = MSP_LIMIT_NONE + 1; i < MSP_LIMIT_CLASSES; i++)
        write_labelled(view, metric, "class", msp_limit_class_name((enum msp_limit_class)i),
                       msp_board_read(&view->board->http.limited[i]));
}

/* ---- calls out ---- */

static void write_egress(const struct view *view, const struct metric *metric)
{
    static const struct {
        const char *name;
        size_t offset;
    } outcomes[] = {
        {"answered", offsetof(struct msp_board_egress, answered)},
        {"rejected", offsetof(struct msp_board_egress, rejected)},
        {"refused", offsetof(struct msp_board_egress, refused)},
        {"failed", offsetof(struct msp_board_egress, failed)},
    };
    for (size_t i = 0; i < MSP_BOARD_PURPOSES; i++)
        for (size_t k = 0; k < sizeof outcomes / sizeof outcomes[0]; k++)
            msp_buffer_printf(view->out, "%s{purpose=\"%s\",outcome=\"%s\"} %" PRId64 "\n",
                              metric->name, msp_board_purposes[i], outcomes[k].name,
                              figure_at(&view->board->egress[i], outcomes[k].offset));
}

/* ---- sources ---- */

static void write_sources(const struct view *view, const struct metric *metric)
{
    const struct msp_source_kind *kind = NULL;
    for (size_t i = 0; i < MSP_BOARD_SOURCES && (kind = msp_source_kind_at(i)) != NULL; i++) {
        const struct msp_board_source *source = &view->board->sources.kinds[i];
        if (msp_board_read(&source->tenants) > 0)
            write_labelled(view, metric, "kind", kind->name, figure_at(source, metric->offset));
    }
}

/* A kind of which nothing was drained yet has no lag to tell. */
static void write_source_lags(const struct view *view, const struct metric *metric)
{
    const struct msp_source_kind *kind = NULL;
    for (size_t i = 0; i < MSP_BOARD_SOURCES && (kind = msp_source_kind_at(i)) != NULL; i++) {
        const struct msp_board_source *source = &view->board->sources.kinds[i];
        const int64_t lag_seconds = msp_board_lag_seconds(source, msp_clock_unix_us());
        if (msp_board_read(&source->tenants) > 0 && lag_seconds >= 0)
            write_labelled(view, metric, "kind", kind->name, lag_seconds);
    }
}

/* ---- jobs ---- */

static void write_lanes(const struct view *view, const struct metric *metric)
{
    static const char *const lanes[MSP_BOARD_LANES] = {"short", "long"};
    for (size_t i = 0; i < MSP_BOARD_LANES; i++)
        write_labelled(view, metric, "lane", lanes[i],
                       figure_at(&view->board->jobs.lanes[i], metric->offset));
}

/* The first kind behind `kind` (NULL = the first of all) whose row is in use; NULL = none. */
static const struct msp_board_job_kind *next_kind(const struct view *view,
                                                  const struct msp_board_job_kind *kind)
{
    const struct msp_board_job_kind *end = view->board->jobs.kinds + MSP_BOARD_JOB_KINDS;
    for (kind = kind == NULL ? view->board->jobs.kinds : kind + 1; kind < end; kind++)
        if (kind->name[0] != '\0')
            return kind;
    return NULL;
}

static void write_kind_label(const struct view *view, const char *name, const char *suffix,
                             const struct msp_board_job_kind *kind)
{
    msp_buffer_printf(view->out, "%s%s{kind=\"", name, suffix);
    write_escaped(view->out, kind->name, sizeof kind->name);
    msp_buffer_append_text(view->out, "\"");
}

static void write_kinds(const struct view *view, const struct metric *metric)
{
    for (const struct msp_board_job_kind *kind = NULL; (kind = next_kind(view, kind)) != NULL;) {
        write_kind_label(view, metric->name, "", kind);
        msp_buffer_printf(view->out, "} %" PRId64 "\n", figure_at(kind, metric->offset));
    }
}

static void write_outcomes(const struct view *view, const struct metric *metric)
{
    static const struct {
        const char *name;
        size_t offset;
    } outcomes[] = {
#define OUTCOME(name) {#name, offsetof(struct msp_board_job_kind, name)}
        OUTCOME(succeeded), OUTCOME(failed),      OUTCOME(cancelled), OUTCOME(retried),
        OUTCOME(put_off),   OUTCOME(handed_back), OUTCOME(lost),
    };
    for (const struct msp_board_job_kind *kind = NULL; (kind = next_kind(view, kind)) != NULL;)
        for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
            write_kind_label(view, metric->name, "", kind);
            msp_buffer_printf(view->out, ",outcome=\"%s\"} %" PRId64 "\n", outcomes[i].name,
                              figure_at(kind, outcomes[i].offset));
        }
}

static void write_run_times(const struct view *view, const struct metric *metric)
{
    for (const struct msp_board_job_kind *kind = NULL; (kind = next_kind(view, kind)) != NULL;) {
        const struct histogram histogram = {kind->run_buckets, msp_board_run_bounds_us,
                                            MSP_BOARD_RUN_BUCKETS,
                                            msp_board_read(&kind->run_us_sum)};
        int64_t count = 0;
        for (size_t i = 0; i < histogram.count; i++) {
            count += msp_board_read(&kind->run_buckets[i]);
            write_kind_label(view, metric->name, "_bucket", kind);
            write_bucket(view, &histogram, i, count);
        }
        write_kind_label(view, metric->name, "_sum", kind);
        write_sum(view, histogram.sum_us);
        write_kind_label(view, metric->name, "_count", kind);
        msp_buffer_printf(view->out, "} %" PRId64 "\n", count);
    }
}

static void write_callbacks(const struct view *view, const struct metric *metric)
{
    const struct msp_board_jobs *jobs = &view->board->jobs;
    write_labelled(view, metric, "outcome", "taken", msp_board_read(&jobs->callbacks_taken));
    write_labelled(view, metric, "outcome", "failed", msp_board_read(&jobs->callbacks_failed));
    write_labelled(view, metric, "outcome", "put_off", msp_board_read(&jobs->callbacks_put_off));
}

/* ---- the table ---- */

#define COUNTER       "counter"
#define GAUGE         "gauge"
#define TOTAL(name)   offsetof(struct msp_board_totals, name)
#define LANE(name)    offsetof(struct msp_board_lane, name)
#define KIND(name)    offsetof(struct msp_board_job_kind, name)
#define ANSWERS(name) offsetof(struct msp_answer_cache_figures, name)
#define OF_JOBS(name)                                                                              \
    (offsetof(struct msp_status_board, jobs) + offsetof(struct msp_board_jobs, name))

/* clang-format off */
static const struct metric metrics[] = {
    {"msp_build_info", GAUGE, "Always 1; the version is a label.", write_build, 0},
    {"msp_start_time_seconds", GAUGE, "When the master started, in seconds since 1970.",
     write_seconds_of_us, offsetof(struct msp_status_board, started_us)},
    {"msp_settings_generation", GAUGE, "Grows with each reload that changed something.",
     write_of_board, offsetof(struct msp_status_board, settings_generation)},
    {"msp_child_restarts_total", COUNTER, "Children replaced because they had ended.",
     write_of_board, offsetof(struct msp_status_board, restarts)},
    {"msp_processes_ready", GAUGE, "Children that serve.", write_processes, 0},
    {"msp_dependency_up", GAUGE, "Whether it answered at the last look.", write_dependencies, 0},

    {"msp_source_lag_seconds", GAUGE,
     "How long ago everything was read, of the tenant furthest behind.", write_source_lags, 0},
    {"msp_source_tenants", GAUGE, "Active tenants pulled from this kind of source.", write_sources,
     offsetof(struct msp_board_source, tenants)},
    {"msp_source_never_drained", GAUGE, "Of these, those that were never read to the end.",
     write_sources, offsetof(struct msp_board_source, never_drained)},
    {"msp_source_failing", GAUGE, "Of these, those whose last pull failed.", write_sources,
     offsetof(struct msp_board_source, failing)},

    {"msp_http_requests_total", COUNTER, "Requests answered.", write_total, TOTAL(requests)},
    {"msp_http_request_errors_total", COUNTER, "Requests answered with a status of 500 or above.",
     write_total, TOTAL(request_errors)},
    {"msp_http_route_requests_total", COUNTER, "Requests answered, by route and kind of status.",
     write_statuses, 0},
    {"msp_http_request_seconds", "histogram", "From a request's head to its answer's end.",
     write_latencies, 0},
    {"msp_rate_limited_total", COUNTER, "Requests answered 429, by class of limit.", write_limited,
     0},
    {"msp_http_connections", GAUGE, "Connections that are open.", write_total, TOTAL(connections)},
    {"msp_db_pool_connections", GAUGE, "Connections to PostgreSQL that requests share.",
     write_total, TOTAL(pool_size)},
    {"msp_db_pool_in_use", GAUGE, "Of them, in a request's hands.", write_total,
     TOTAL(pool_in_use)},
    {"msp_db_pool_refused_total", COUNTER, "Requests that got no connection in time.", write_total,
     TOTAL(pool_refused)},

    {"msp_answer_cache_hits_total", COUNTER, "Answers given from shared memory.",
     write_of_answers, ANSWERS(hits)},
    {"msp_answer_cache_misses_total", COUNTER, "Answers that had to be made.", write_of_answers,
     ANSWERS(misses)},
    {"msp_answer_cache_kept_total", COUNTER, "Answers put into shared memory.", write_of_answers,
     ANSWERS(kept)},
    {"msp_answer_cache_resets_total", COUNTER,
     "Times that damaged memory was found and every kept answer forgotten.", write_of_answers,
     ANSWERS(resets)},

    {"msp_shared_memory_bytes", GAUGE, "Room in shared memory; fixed from the start.",
     write_shared_memory, 0},
    {"msp_egress_calls_total", COUNTER,
     "Calls out of this node: answered, rejected (400 or more), refused by the guard, failed.",
     write_egress, 0},

    {"msp_jobs_queued", GAUGE, "Jobs of all nodes that could be taken now.", write_lanes,
     LANE(queued)},
    {"msp_jobs_scheduled", GAUGE, "Jobs of all nodes that wait for their time or another job.",
     write_lanes, LANE(scheduled)},
    {"msp_jobs_running", GAUGE, "Jobs of all nodes that run.", write_lanes, LANE(running)},
    {"msp_jobs_oldest_queued_seconds", GAUGE, "How long the oldest that could be taken waits.",
     write_lanes, LANE(oldest_queued_seconds)},
    {"msp_jobs_checked_seconds", GAUGE, "When the queue was looked at, in seconds since 1970.",
     write_seconds_of_us, OF_JOBS(checked_us)},
    {"msp_job_attempts_total", COUNTER, "Attempts at jobs begun on this node.", write_kinds,
     KIND(attempts)},
    {"msp_job_outcomes_total", COUNTER, "How attempts on this node ended.", write_outcomes, 0},
    {"msp_job_run_seconds", "histogram", "How long attempts on this node ran.", write_run_times, 0},
    {"msp_jobs_taken_back_total", COUNTER, "Jobs taken back from workers that had died.",
     write_of_board, OF_JOBS(workers_lost)},
    {"msp_jobs_pruned_total", COUNTER, "Ended jobs removed because of their age.", write_of_board,
     OF_JOBS(pruned)},
    {"msp_callbacks_total", COUNTER, "What became of tries to tell a job's end.", write_callbacks,
     0},
};
/* clang-format on */

void msp_metrics_write(const struct msp_shared_map *shared, struct msp_buffer *out)
{
    struct view view = {
        .board = shared->board, .answers = msp_answer_cache_figures(shared->answers), .out = out};
    msp_board_sum(shared->board, &view.totals);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct metric *metric = &metrics[i];
        msp_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                          metric->name, metric->type);
        metric->write(&view, metric);
    }
}
