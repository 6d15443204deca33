/*
 * The daily pipeline of a tenant: pull its tickets until the source is drained, compute the day,
 * export. Each step is a child; between them the job is parked and holds nothing. All that decides
 * what comes next is read from the children, so that any visit may be repeated.
 */
#include "job_kinds.h"
#include "msp/json_writer.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

/* A pull ends after 20 s at the latest: about three hours, by which a source should be drained. */
#define MOST_PULLS 500

enum step { STEP_INGEST, STEP_KPI, STEP_EXPORT, STEPS };

static const struct {
    const char *kind;
    const char *stage;
} steps[STEPS] = {
    [STEP_INGEST] = {"ingest", "pulling"},
    [STEP_KPI] = {"kpi", "computing"},
    [STEP_EXPORT] = {"export", "exporting"},
};

/* What the children tell. */
struct course {
    const struct msp_job *latest[STEPS]; /* NULL = not begun */
    json_t *results[STEPS];              /* of those that succeeded, joined; NULL = none */
    bool drained;
    int pulls;
    int64_t ended;
};

static void forget(struct course *course)
{
    for (int step = 0; step < STEPS; step++) {
        json_decref(course->results[step]);
    }
}

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the results of the steps.");
}

/* ---- joining results: numbers add up, lists follow one another ---- */

static int join_member(json_t *into, const char *name, json_t *value);

static int join(json_t *into, json_t *from)
{
    const char *name;
    json_t *value;
    json_object_foreach(from, name, value)
    {
        if (join_member(into, name, value) != 0) {
            return -1;
        }
    }
    return 0;
}

static int join_member(json_t *into, const char *name, json_t *value)
{
    json_t *held = json_object_get(into, name);
    if (held == NULL || json_is_null(held)) {
        return json_object_set_new(into, name, json_deep_copy(value));
    }
    if (json_is_integer(held) && json_is_integer(value)) {
        return json_integer_set(held, json_integer_value(held) + json_integer_value(value));
    }
    if (json_is_array(held) && json_is_array(value)) {
        return json_array_extend(held, value);
    }
    return json_is_object(held) && json_is_object(value) ? join(held, value) : 0;
}

/* ---- what has happened so far ---- */

static int find_step(const char *kind)
{
    int step = 0;
    while (step < STEPS && strcmp(steps[step].kind, kind) != 0) {
        step++;
    }
    return step;
}

/* Of a pull only what can be added up; "pulls" counts them. */
static json_t *what_to_keep(int step, json_t *result)
{
    if (step != STEP_INGEST) {
        return json_incref(result);
    }
    return json_pack("{s:i, s:O?}", "pulls", 1, "stats", json_object_get(result, "stats"));
}

static enum msp_result add_result(struct course *course, int step, const struct msp_job *child,
                                  struct msp_error *error)
{
    json_t *result;
    enum msp_result outcome =
        msp_json_parse(child->result, strlen(child->result), &msp_job_json_limits, &result, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    if (step == STEP_INGEST && child == course->latest[step]) {
        course->drained = !json_is_true(json_object_get(result, "has_more"));
    }
    json_t *kept = what_to_keep(step, result);
    json_decref(result);
    if (course->results[step] == NULL) {
        course->results[step] = json_object();
    }
    if (kept == NULL || course->results[step] == NULL || join(course->results[step], kept) != 0) {
        outcome = no_memory(error);
    }
    json_decref(kept);
    return outcome;
}

static enum msp_result read_course(const struct msp_job *children, size_t count,
                                   struct course *course, struct msp_error *error)
{
    for (size_t i = 0; i < count; i++) {
        int step = find_step(children[i].kind);
        if (step == STEPS) {
            continue;
        }
        const struct msp_job *known = course->latest[step];
        if (known == NULL || known->created_us < children[i].created_us) {
            course->latest[step] = &children[i];
        }
        course->ended += msp_job_state_is_final(children[i].state);
        course->pulls += step == STEP_INGEST;
    }
    enum msp_result outcome = MSP_OK;
    for (size_t i = 0; i < count && outcome == MSP_OK; i++) {
        int step = find_step(children[i].kind);
        if (step != STEPS && children[i].state == MSP_JOB_SUCCEEDED && children[i].result != NULL) {
            outcome = add_result(course, step, &children[i], error);
        }
    }
    return outcome;
}

/* The failure of a step is that of the whole, under the step's own code. */
static enum msp_result fail_with(const struct msp_job *child, struct msp_error *error)
{
    json_t *fault = NULL;
    struct msp_error unread;
    if (child->error != NULL && msp_json_parse(child->error, strlen(child->error),
                                               &msp_job_json_limits, &fault, &unread) != MSP_OK) {
        fault = NULL;
    }
    const char *code = json_string_value(json_object_get(fault, "code"));
    const char *detail = json_string_value(json_object_get(fault, "detail"));
    enum msp_result outcome = msp_fail(
        error, MSP_BROKEN, code != NULL ? code : "step_not_done", "The step \"%s\" %s%s%.300s",
        child->kind, child->state == MSP_JOB_CANCELLED ? "was cancelled" : "failed",
        detail != NULL ? ": " : ".", detail != NULL ? detail : "");
    json_decref(fault);
    return outcome;
}

static enum msp_result check_steps(const struct course *course, struct msp_error *error)
{
    for (int step = 0; step < STEPS; step++) {
        const struct msp_job *latest = course->latest[step];
        if (latest != NULL && latest->state != MSP_JOB_SUCCEEDED) {
            return fail_with(latest, error);
        }
    }
    if (!course->drained && course->pulls >= MOST_PULLS) {
        return msp_fail(error, MSP_BROKEN, "source_not_drained",
                        "The source still has more tickets after %d pulls. Look at how many it "
                        "sends, then start the pipeline again; it goes on from where it is.",
                        course->pulls);
    }
    return MSP_OK;
}

/* ---- what comes next ---- */

/* STEPS = all done. A tenant whose tickets are pushed has nothing to pull. */
static int next_step(const struct course *course, bool pulls)
{
    if (pulls && !course->drained) {
        return STEP_INGEST;
    }
    if (course->results[STEP_KPI] == NULL) {
        return STEP_KPI;
    }
    return course->results[STEP_EXPORT] == NULL ? STEP_EXPORT : STEPS;
}

/*
 * The day computed. If none was named it is the last that had ended when the job began, however
 * long the pull takes. Then the export takes every complete day that changed, this one among them;
 * a day that was named is exported alone, and must be complete.
 */
struct order {
    int32_t day;
    bool day_named;
};

static enum msp_result read_order(const struct msp_job_run *run, struct order *out,
                                  struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    outcome = msp_job_parameter_day(parameters, "date", &out->day, error);
    json_decref(parameters);
    out->day_named = outcome == MSP_OK && out->day != MSP_NO_DAY;
    if (outcome == MSP_OK && !out->day_named) {
        outcome = msp_job_last_ended_day(run->db, run->job->tenant_id, run->job->started_us,
                                         run->deadline_ms, &out->day, error);
    }
    return outcome;
}

static void write_parameters(int step, const struct order *order, char *out, size_t size)
{
    char day[MSP_DAY_TEXT_BYTES];
    msp_day_format(order->day, day);
    if (step == STEP_KPI) {
        (void)snprintf(out, size, "{\"date\":\"%s\"}", day);
    } else if (step == STEP_EXPORT && order->day_named) {
        (void)snprintf(out, size, "{\"from\":\"%s\",\"to\":\"%s\"}", day, day);
    } else {
        (void)snprintf(out, size, "{}");
    }
}

static enum msp_result begin_step(struct msp_job_run *run, const struct course *course, int step,
                                  const struct order *order, struct msp_error *error)
{
    char parameters[80];
    write_parameters(step, order, parameters, sizeof parameters);
    struct msp_job_step next = {
        .kind = steps[step].kind,
        .lane = msp_job_kind_find(steps[step].kind)->lane,
        .parameters = parameters,
        .done = course->ended,
        .total = course->ended + (STEPS - step),
        .stage = steps[step].stage,
    };
    enum msp_result outcome = msp_job_step(run->db, &run->fence, &next, run->deadline_ms, error);
    run->parked = outcome == MSP_OK;
    if (run->parked) {
        msp_job_events_push(run->events, MSP_EVENT_PROGRESS, run->job, next.done, next.total);
    }
    return outcome;
}

/* ---- the result ---- */

static int append(const char *bytes, size_t size, void *context)
{
    struct msp_buffer *out = context;
    msp_buffer_append(out, bytes, size);
    return out->failed ? -1 : 0;
}

/* Takes over `object`. */
static enum msp_result write_object(json_t *object, struct msp_buffer *result,
                                    struct msp_error *error)
{
    enum msp_result outcome = MSP_OK;
    if (object == NULL || json_dump_callback(object, append, result, JSON_COMPACT) != 0) {
        outcome = no_memory(error);
    }
    json_decref(object);
    return outcome;
}

static enum msp_result write_result(const struct msp_job_run *run, const struct course *course,
                                    const struct order *order, struct msp_buffer *result,
                                    struct msp_error *error)
{
    char day[MSP_DAY_TEXT_BYTES];
    msp_day_format(order->day, day);
    return write_object(json_pack("{s:[{s:s, s:s}], s:O?, s:O?, s:O?}", "tenants", "tenant_id",
                                  run->job->tenant, "date", day, steps[STEP_INGEST].kind,
                                  course->results[STEP_INGEST], steps[STEP_KPI].kind,
                                  course->results[STEP_KPI], steps[STEP_EXPORT].kind,
                                  course->results[STEP_EXPORT]),
                        result, error);
}

static enum msp_result go_on(struct msp_job_run *run, const struct course *course,
                             struct msp_buffer *result, struct msp_error *error)
{
    struct msp_tenant tenant;
    struct order order;
    enum msp_result outcome = MSP_OK;
    if (run->job->children_ended) {
        outcome = check_steps(course, error);
    }
    if (outcome == MSP_OK) {
        outcome = msp_job_run_tenant(run, &tenant, error);
    }
    if (outcome == MSP_OK) {
        outcome = read_order(run, &order, error);
    }
    if (outcome != MSP_OK) {
        return outcome;
    }
    int step = next_step(course, tenant.source[0] != '\0');
    return step == STEPS ? write_result(run, course, &order, result, error)
                         : begin_step(run, course, step, &order, error);
}

enum msp_result msp_kind_pipeline_run(struct msp_job_run *run, struct msp_buffer *result,
                                      struct msp_error *error)
{
    struct course course = {.pulls = 0};
    struct msp_job *children;
    size_t count;
    enum msp_result outcome = msp_job_children(run->db, run->job->id, run->arena, run->deadline_ms,
                                               &children, &count, error);
    if (outcome == MSP_OK) {
        outcome = read_course(children, count, &course, error);
    }
    if (outcome == MSP_OK) {
        outcome = go_on(run, &course, result, error);
    }
    forget(&course);
    return outcome;
}

/* What a day is called when there is no tenant: the same members, with nothing in them. */
static json_t *nothing_yet(void)
{
    return json_pack("{s:[], s:n, s:{s:i, s:i, s:i}, s:{s:[]}}", "tenants", steps[STEP_INGEST].kind,
                     steps[STEP_KPI].kind, "rows_written", 0, "tenants", 0, "days", 0,
                     steps[STEP_EXPORT].kind, "export_locations");
}

enum msp_result msp_kind_pipeline_collect(const struct msp_job *children, size_t count,
                                          struct msp_buffer *result, struct msp_error *error)
{
    json_t *whole = nothing_yet();
    enum msp_result outcome = whole != NULL ? MSP_OK : no_memory(error);
    for (size_t i = 0; i < count && outcome == MSP_OK; i++) {
        if (children[i].state != MSP_JOB_SUCCEEDED || children[i].result == NULL) {
            continue;
        }
        json_t *one;
        outcome = msp_json_parse(children[i].result, strlen(children[i].result),
                                 &msp_job_json_limits, &one, error);
        if (outcome == MSP_OK) {
            outcome = join(whole, one) == 0 ? MSP_OK : no_memory(error);
            json_decref(one);
        }
    }
    if (outcome != MSP_OK) {
        json_decref(whole);
        return outcome;
    }
    return write_object(whole, result, error);
}
