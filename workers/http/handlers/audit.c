/* GET /v1/audit: who did what, newest first, for admins. Changes and checks nothing;
 * msp-analytics audit does. */
#include "handlers.h"

#include "../http_worker.h"
#include "audit_cursor.h"
#include "inputs.h"
#include "job_answer.h"

#include "msp/json_writer.h"
#include "msp/no_value.h"

#define DEFAULT_PAGE 100
#define LARGEST_PAGE 500

/* A tenant that is disabled keeps its lines. */
static enum msp_result read_tenant(const struct msp_request *request,
                                   struct msp_audit_filter *filter, struct msp_error *error)
{
    const char *slug = msp_request_query(request, "tenant");
    struct msp_tenant tenant;

    if (slug == NULL)
        return MSP_OK;
    if (!msp_tenant_cache_find(request->worker->child->shared->tenants, slug, &tenant))
        return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown",
                        "There is no tenant of that name; GET /v1/tenants lists them.");
    filter->tenant_id = tenant.id;
    return MSP_OK;
}

/* The start of a day in UTC, `add_days` later; without the name *out stays. */
static enum msp_result read_day(const struct msp_request *request, const char *name, int add_days,
                                int64_t *out_us, struct msp_error *error)
{
    int32_t day;

    if (msp_request_query(request, name) == NULL)
        return MSP_OK;
    enum msp_result result = msp_query_day(request, name, &day, error);
    if (result == MSP_OK)
        *out_us = ((int64_t)day + add_days) * MSP_MICROSECONDS_A_DAY;
    return result;
}

static enum msp_result read_cursor(const struct msp_request *request,
                                   struct msp_audit_filter *filter, struct msp_error *error)
{
    const char *text = msp_request_query(request, "cursor");

    if (text == NULL || msp_audit_cursor_parse(text, filter, &filter->before_id))
        return MSP_OK;
    return msp_query_fail(error, "cursor_malformed", "cursor",
                          "This \"cursor\" was not given out for this question; start again "
                          "without it.");
}

static enum msp_result read_filter(const struct msp_request *request,
                                   struct msp_audit_filter *filter, struct msp_error *error)
{
    enum msp_result result = read_tenant(request, filter, error);

    filter->action = msp_request_query(request, "action");
    filter->actor = msp_request_query(request, "actor");
    if (result == MSP_OK)
        result = read_day(request, "from", 0, &filter->from_us, error);
    if (result == MSP_OK)
        result = read_day(request, "to", 1, &filter->before_us, error);
    if (result == MSP_OK)
        result = msp_query_limit(request, LARGEST_PAGE, &filter->limit, error);
    if (result == MSP_OK)
        result = read_cursor(request, filter, error);
    return result;
}

static int answer(const struct msp_request *request, struct msp_response *response,
                  const struct msp_audit_filter *filter, const struct msp_audit_row *rows,
                  size_t count, bool more)
{
    struct msp_json_writer writer;
    char cursor[MSP_AUDIT_CURSOR_BYTES];

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "lines");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        msp_audit_row_write(&writer, &rows[i]);
    msp_json_end_array(&writer);
    if (more)
        msp_audit_cursor_format(filter, rows[count - 1].id, cursor);
    msp_json_key_string(&writer, "next_cursor", more ? cursor : NULL);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

int msp_handle_audit(const struct msp_request *request, struct msp_response *response)
{
    struct msp_audit_filter filter = {
        .from_us = MSP_NO_TIME, .before_us = MSP_NO_TIME, .limit = DEFAULT_PAGE};
    struct msp_audit_row *rows = NULL;
    struct msp_error error;
    struct msp_db *db;
    size_t count = 0;
    enum msp_result result = read_filter(request, &filter, &error);
    size_t page = (size_t)filter.limit;

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    filter.limit++; /* one more tells whether there is a next page */
    result = msp_audit_list(db, &filter, request->arena, msp_request_db_deadline_ms(request), &rows,
                            &count, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer(request, response, &filter, rows, count < page ? count : page, count > page);
}
