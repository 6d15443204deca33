/* Tenants at a glance, for admins: a row each, page by page. Which tenants there are comes from the
 * tenant cache, what they count from behind each one's own wall. */
#include "handlers.h"

#include "../http_worker.h"
#include "../kpi_answer.h"
#include "admin.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/glance_store.h"

#include <string.h>

#define DEFAULT_PAGE 50
#define LARGEST_PAGE 100
#define DEFAULT_DAYS 30
#define MOST_DAYS    92

struct page {
    int days;
    int limit;
    struct msp_tenant *tenants;
    struct msp_glance *glances;
    size_t count;
    bool more;
};

static enum msp_result read_page(const struct msp_request *request, struct page *page,
                                 struct msp_error *error)
{
    const char *cursor = msp_request_query(request, "cursor");

    if (cursor != NULL && strlen(cursor) >= MSP_TENANT_SLUG_BYTES)
        return msp_query_fail(error, "query_malformed", "cursor",
                              "\"cursor\" must be the next_cursor of an earlier page.");
    enum msp_result result = msp_query_whole(request, "days", 1, MOST_DAYS, &page->days, error);
    if (result == MSP_OK)
        result = msp_query_limit(request, LARGEST_PAGE, &page->limit, error);
    return result;
}

/* The tenants behind the cursor in the order of their ids, and whether there are more. */
static enum msp_result choose_tenants(const struct msp_request *request, struct page *page,
                                      struct msp_error *error)
{
    const struct msp_tenant_cache *cache = request->worker->child->shared->tenants;
    const char *after = msp_request_query(request, "cursor");
    struct msp_tenant tenant;

    page->tenants = msp_arena_calloc(request->arena, (size_t)page->limit, sizeof page->tenants[0]);
    page->glances = msp_arena_calloc(request->arena, (size_t)page->limit, sizeof page->glances[0]);
    if (page->tenants == NULL || page->glances == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the tenants.");
    for (size_t at = 0; !page->more && msp_tenant_cache_at(cache, at, &tenant); at++) {
        if (after != NULL && strcmp(tenant.slug, after) <= 0)
            continue;
        page->more = page->count == (size_t)page->limit;
        if (page->more)
            break;
        page->tenants[page->count] = tenant;
        page->glances[page->count++].tenant_id = tenant.id;
    }
    return MSP_OK;
}

static enum msp_result read_glances(const struct msp_request *request, struct page *page,
                                    struct msp_error *error)
{
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    result = msp_glance_read(db, page->glances, page->count, page->days, request->arena,
                             msp_request_db_deadline_ms(request), error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

/* ---- one row ---- */

static void write_days(struct msp_json_writer *json, int32_t from, int32_t to)
{
    msp_json_key_day(json, "from", from);
    msp_json_key_day(json, "to", to);
}

/* The metrics that are drawn as small lines. */
static const char *const series[] = {"tickets_created", "tickets_resolved", "backlog",
                                     "sla_compliance"};

static const struct msp_kpi_metric *find_metric(const char *name)
{
    size_t at = 0;

    while (strcmp(msp_kpi_metrics[at].name, name) != 0)
        at++;
    return &msp_kpi_metrics[at];
}

static void write_number(struct msp_json_writer *json, struct msp_kpi_number number)
{
    if (number.form == MSP_KPI_NONE)
        msp_json_null(json);
    else if (number.form == MSP_KPI_WHOLE)
        msp_json_int(json, number.whole);
    else
        msp_json_double(json, number.real);
}

static void write_line(struct msp_json_writer *json, const char *name,
                       const struct msp_glance *glance)
{
    const struct msp_kpi_metric *metric = find_metric(name);
    size_t at = 0;

    msp_json_key(json, name);
    msp_json_begin_array(json);
    for (int32_t day = glance->from; day != MSP_NO_DAY && day <= glance->to; day++) {
        bool stored = at < glance->day_count && glance->days[at].day == day;

        write_number(json, msp_kpi_read(metric, stored ? &glance->days[at].values : NULL));
        at += stored ? 1 : 0;
    }
    msp_json_end_array(json);
}

static void write_kpis(struct msp_json_writer *json, const struct msp_glance *glance, int days)
{
    bool none = glance->to == MSP_NO_DAY;

    write_days(json, glance->from, glance->to);
    msp_json_key(json, "previous");
    msp_json_begin_object(json);
    write_days(json, none ? MSP_NO_DAY : glance->from - days,
               none ? MSP_NO_DAY : glance->to - days);
    msp_json_end_object(json);
    msp_json_key(json, "total");
    msp_json_begin_object(json);
    msp_kpi_write_members(json, &glance->now);
    msp_json_end_object(json);
    msp_json_key(json, "change");
    msp_json_begin_object(json);
    msp_kpi_write_change(json, &glance->now, &glance->before);
    msp_json_end_object(json);
    msp_json_key(json, "series");
    msp_json_begin_object(json);
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++)
        write_line(json, series[i], glance);
    msp_json_end_object(json);
}

static void write_source(struct msp_json_writer *json, const struct msp_glance *glance)
{
    msp_json_key_day(json, "complete_through", glance->freshness.complete_through);
    msp_json_key_time(json, "data_as_of", glance->freshness.data_as_of_us);
    msp_json_key_time(json, "complete_until", glance->drained_us);
    msp_json_key(json, "source_error");
    if (glance->failed_us == MSP_NO_TIME) {
        msp_json_null(json);
        return;
    }
    msp_json_begin_object(json);
    msp_json_key_time(json, "at", glance->failed_us);
    msp_json_key_string(json, "detail", glance->failure);
    msp_json_end_object(json);
}

static void write_job(struct msp_json_writer *json, const struct msp_glance *glance)
{
    msp_json_key(json, "last_failed_job");
    if (glance->job_id[0] == '\0') {
        msp_json_null(json);
        return;
    }
    msp_json_begin_object(json);
    msp_json_key_string(json, "id", glance->job_id);
    msp_json_key_string(json, "kind", glance->job_kind);
    msp_json_key_time(json, "finished_at", glance->job_finished_us);
    msp_json_key(json, "error");
    msp_json_raw(json, glance->job_error);
    msp_json_end_object(json);
}

static void write_tenant(struct msp_json_writer *json, const struct msp_tenant *tenant,
                         const struct msp_glance *glance, int days)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "id", tenant->slug);
    msp_json_key_string(json, "name", tenant->name);
    msp_json_key_string(json, "timezone", tenant->timezone);
    msp_json_key_string(json, "status", tenant->active ? "active" : "disabled");
    msp_json_key_string(json, "source", tenant->source[0] != '\0' ? tenant->source : NULL);
    write_source(json, glance);
    write_kpis(json, glance, days);
    write_job(json, glance);
    msp_json_end_object(json);
}

int msp_handle_admin_glance(const struct msp_request *request, struct msp_response *response)
{
    struct page page = {.days = DEFAULT_DAYS, .limit = DEFAULT_PAGE};
    struct msp_json_writer json;
    struct msp_error error;

    if (read_page(request, &page, &error) != MSP_OK ||
        choose_tenants(request, &page, &error) != MSP_OK ||
        read_glances(request, &page, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_admin_json(response, &json);
    msp_json_key_int(&json, "days", page.days);
    msp_json_key(&json, "tenants");
    msp_json_begin_array(&json);
    for (size_t i = 0; i < page.count; i++)
        write_tenant(&json, &page.tenants[i], &page.glances[i], page.days);
    msp_json_end_array(&json);
    msp_json_key_string(&json, "next_cursor", page.more ? page.tenants[page.count - 1].slug : NULL);
    msp_json_end_object(&json);
    return msp_json_answer(request, response);
}
