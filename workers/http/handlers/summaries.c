/* Written summaries read back, one or the newest page by page. Starting one is in job_starts.c,
 * writing it the job worker's work. */
#include "handlers.h"

#include "../http_worker.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/summary_store.h"
#include "page_cursor.h"

#include <string.h>

#define DEFAULT_PAGE 20
#define LARGEST_PAGE 100

static void write_days(struct msp_json_writer *writer, int32_t from, int32_t to)
{
    msp_json_key_day(writer, "from", from);
    msp_json_key_day(writer, "to", to);
}

static void write_writer(struct msp_json_writer *writer, const struct msp_summary *summary)
{
    bool by_model = summary->model != NULL;

    msp_json_key_string(writer, "written_by", by_model ? "model" : "template");
    msp_json_key_string(writer, "model", summary->model);
    msp_json_key(writer, "not_by_model");
    if (by_model) {
        msp_json_null(writer);
        return;
    }
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "code", summary->not_by_model);
    msp_json_key_string(writer, "detail", summary->not_by_model_detail);
    msp_json_end_object(writer);
}

/* What a list shows of it too. */
static void write_head(struct msp_json_writer *writer, const struct msp_tenant *tenant,
                       const struct msp_summary *summary)
{
    msp_json_key_string(writer, "id", summary->id);
    msp_json_key_string(writer, "tenant", tenant->slug);
    msp_json_key_string(writer, "timezone", tenant->timezone);
    write_days(writer, summary->from, summary->to);
    msp_json_key(writer, "previous");
    msp_json_begin_object(writer);
    write_days(writer, summary->previous_from, summary->previous_to);
    msp_json_end_object(writer);
    msp_json_key_string(writer, "language", summary->language);
    write_writer(writer, summary);
    msp_json_key_day(writer, "complete_through", summary->complete_through);
    msp_json_key_time(writer, "data_as_of", summary->data_as_of_us);
    msp_json_key_time(writer, "created_at", summary->created_us);
    msp_json_key_string(writer, "text", summary->text);
}

int msp_handle_summary(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_tenant *tenant = &request->caller.tenant;
    struct msp_summary summary;
    struct msp_json_writer writer;
    struct msp_error error;
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, &error);

    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result = msp_summary_get(db, tenant->id, request->path_parameters[0], request->arena,
                             msp_request_db_deadline_ms(request), &summary, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    write_head(&writer, tenant, &summary);
    msp_json_key(&writer, "sentences");
    msp_json_raw(&writer, summary.sentences);
    msp_json_key(&writer, "facts");
    msp_json_raw(&writer, summary.facts);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

/* ---- the newest ---- */

/* Where a page begins, and how long it may be. */
struct page {
    struct msp_page_cursor after; /* created_us MSP_NO_TIME = the newest */
    int limit;
};

static enum msp_result read_page(const struct msp_request *request, struct page *page,
                                 struct msp_error *error)
{
    const char *cursor = msp_request_query(request, "cursor");

    *page = (struct page){.after.created_us = MSP_NO_TIME, .limit = DEFAULT_PAGE};
    if (cursor != NULL && !msp_page_cursor_parse(cursor, &page->after))
        return msp_query_fail(error, "cursor_malformed", "cursor",
                              "This \"cursor\" is not one this server gave out; start again "
                              "without it.");
    return msp_query_limit(request, LARGEST_PAGE, &page->limit, error);
}

static void write_cursor(struct msp_json_writer *writer, const struct msp_summary *last)
{
    struct msp_page_cursor cursor = {.created_us = last->created_us};
    char text[MSP_PAGE_CURSOR_BYTES];

    memcpy(cursor.id, last->id, sizeof cursor.id);
    msp_page_cursor_format(&cursor, text);
    msp_json_string(writer, text);
}

static int answer_page(const struct msp_request *request, struct msp_response *response,
                       const struct msp_summary *summaries, size_t count, bool more)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "summaries");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++) {
        msp_json_begin_object(&writer);
        write_head(&writer, &request->caller.tenant, &summaries[i]);
        msp_json_end_object(&writer);
    }
    msp_json_end_array(&writer);
    msp_json_key(&writer, "next_cursor");
    if (more)
        write_cursor(&writer, &summaries[count - 1]);
    else
        msp_json_null(&writer);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

int msp_handle_summaries(const struct msp_request *request, struct msp_response *response)
{
    struct page page;
    struct msp_summary *summaries;
    struct msp_error error;
    struct msp_db *db;
    size_t count;
    enum msp_result result = read_page(request, &page, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    /* One more than is shown tells whether there is a next page. */
    result = msp_summary_list(db, request->caller.tenant.id, page.after.created_us, page.after.id,
                              page.limit + 1, request->arena, msp_request_db_deadline_ms(request),
                              &summaries, &count, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    bool more = count > (size_t)page.limit;
    return answer_page(request, response, summaries, more ? (size_t)page.limit : count, more);
}
