/* Reading KPIs: the days of a range as JSON and CSV, the range merged, and the catalogue of
 * metrics. */
#include "handlers.h"

#include "../http_worker.h"
#include "../kpi_answer.h"
#include "inputs.h"
#include "job_answer.h"
#include "kpi_inputs.h"
#include "msp/ddsketch.h"
#include "msp/timestamp.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_RANGE_DAYS 1100

/* What the caller asked for. */
struct question {
    int32_t from, to;
    const char *by;     /* NULL = the whole tenant */
    const char *member; /* NULL = every member */
    bool compare;
};

/* What is known about it. */
struct answer {
    struct msp_kpi_row *rows;
    size_t count;
    struct msp_kpi_freshness freshness;
};

static enum msp_result read_compare(const struct msp_request *request, struct question *question,
                                    struct msp_error *error)
{
    const char *compare = msp_request_query(request, "compare");

    question->compare = compare != NULL;
    if (compare != NULL && strcmp(compare, "previous") != 0)
        return msp_query_fail(error, "query_malformed", "compare",
                              "\"compare\" can only be previous.");
    return MSP_OK;
}

static enum msp_result read_question(const struct msp_request *request, struct question *question,
                                     struct msp_error *error)
{
    enum msp_result result =
        msp_query_days(request, LONGEST_RANGE_DAYS, &question->from, &question->to, error);

    if (result == MSP_OK)
        result = msp_query_by(request, &question->by, error);
    if (result == MSP_OK)
        result = msp_query_member(request, question->by, &question->member, error);
    if (result == MSP_OK)
        result = read_compare(request, question, error);
    return result;
}

typedef enum msp_result (*read_rows)(struct msp_db *db, int64_t tenant_id,
                                     const struct msp_kpi_query *query, struct msp_arena *arena,
                                     int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                     size_t *out_count, struct msp_kpi_freshness *freshness,
                                     struct msp_error *error);

static enum msp_result ask(const struct msp_request *request, struct msp_db *db, read_rows read,
                           const struct question *question, struct answer *out,
                           struct msp_error *error)
{
    struct msp_kpi_query query = {.from = question->from,
                                  .to = question->to,
                                  .dimension = question->by == NULL ? "all" : question->by,
                                  .member = question->member};

    return read(db, request->caller.tenant.id, &query, request->arena,
                msp_request_db_deadline_ms(request), &out->rows, &out->count, &out->freshness,
                error);
}

/* The equally long range right before. */
static struct question question_before(const struct question *question)
{
    struct question before = *question;
    int32_t days = question->to - question->from + 1;

    before.from -= days;
    before.to -= days;
    return before;
}

static void begin_answer(struct msp_json_writer *writer, const struct msp_request *request,
                         struct msp_response *response, const struct question *question,
                         const struct answer *answer)
{
    msp_json_writer_init(writer, &response->body);
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "tenant", request->caller.tenant.slug);
    msp_json_key_string(writer, "timezone", request->caller.tenant.timezone);
    msp_json_key_day(writer, "from", question->from);
    msp_json_key_day(writer, "to", question->to);
    msp_json_key_string(writer, "by", question->by);
    msp_json_key_day(writer, "complete_through", answer->freshness.complete_through);
    msp_json_key_time(writer, "data_as_of", answer->freshness.data_as_of_us);
    msp_json_key(writer, "percentile_error");
    msp_json_double(writer, MSP_DDSKETCH_RELATIVE_ERROR);
}

/* ---- the days of a range ---- */

static enum msp_result read_daily(const struct msp_request *request, struct question *question,
                                  struct answer *answer, struct msp_error *error)
{
    struct msp_db *db;
    enum msp_result result = read_question(request, question, error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, error);
    if (result != MSP_OK)
        return result;
    result = ask(request, db, msp_kpi_read_daily, question, answer, error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

/* Called for each row of an answer; `values` NULL = the day was never computed. */
typedef void (*take_row)(void *writer, int32_t day, const char *member,
                         const struct msp_kpi_values *values);

/* Without `by` every day of the range has its row; with it, the stored ones. */
static void each_row(const struct question *question, const struct answer *answer, take_row take,
                     void *writer)
{
    size_t at = 0;

    if (question->by != NULL) {
        for (; at < answer->count; at++)
            take(writer, answer->rows[at].day, answer->rows[at].member, &answer->rows[at].values);
        return;
    }
    for (int32_t day = question->from; day <= question->to; day++) {
        if (at < answer->count && answer->rows[at].day == day)
            take(writer, day, NULL, &answer->rows[at++].values);
        else
            take(writer, day, NULL, NULL);
    }
}

static void write_row(void *context, int32_t day, const char *member,
                      const struct msp_kpi_values *values)
{
    struct msp_json_writer *writer = context;

    msp_json_begin_object(writer);
    msp_json_key_day(writer, "day", day);
    msp_json_key_string(writer, "member", member);
    msp_kpi_write_members(writer, values);
    msp_json_end_object(writer);
}

int msp_handle_kpis_daily(const struct msp_request *request, struct msp_response *response)
{
    struct question question = {.by = NULL};
    struct answer answer;
    struct msp_error error;
    struct msp_json_writer writer;

    if (read_daily(request, &question, &answer, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    begin_answer(&writer, request, response, &question, &answer);
    msp_json_key(&writer, "rows");
    msp_json_begin_array(&writer);
    each_row(&question, &answer, write_row, &writer);
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

static void write_csv_row(void *context, int32_t day, const char *member,
                          const struct msp_kpi_values *values)
{
    struct msp_csv_writer *writer = context;
    char text[MSP_DAY_TEXT_BYTES];

    msp_day_format(day, text);
    msp_csv_plain(writer, text);
    msp_csv_text(writer, member);
    msp_kpi_write_csv_cells(writer, values);
    msp_csv_end_row(writer);
}

int msp_handle_kpis_daily_csv(const struct msp_request *request, struct msp_response *response)
{
    struct question question = {.by = NULL};
    struct answer answer;
    struct msp_error error;
    struct msp_csv_writer writer;
    char from[MSP_DAY_TEXT_BYTES];
    char to[MSP_DAY_TEXT_BYTES];
    int status;

    if (read_daily(request, &question, &answer, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_csv_writer_init(&writer, &response->body);
    msp_csv_plain(&writer, "day");
    msp_csv_plain(&writer, "member");
    msp_kpi_write_csv_header(&writer);
    msp_csv_end_row(&writer);
    each_row(&question, &answer, write_csv_row, &writer);
    status = msp_json_answer(request, response);
    if (status != 200)
        return status;
    response->content_type = "text/csv; charset=utf-8";
    msp_day_format(question.from, from);
    msp_day_format(question.to, to);
    msp_response_header(response, "Content-Disposition",
                        "attachment; filename=\"kpi_daily_%s_%s_%s.csv\"",
                        request->caller.tenant.slug, from, to);
    return status;
}

/* ---- a range merged ---- */

static const struct msp_kpi_values nothing_computed = {.computed = false};

static const struct msp_kpi_values *total_of(const struct answer *answer)
{
    return answer->count > 0 ? &answer->rows[0].values : &nothing_computed;
}

static void write_total(struct msp_json_writer *writer, const char *name,
                        const struct answer *answer)
{
    msp_json_key(writer, name);
    msp_json_begin_object(writer);
    msp_kpi_write_members(writer, total_of(answer));
    msp_json_end_object(writer);
}

static void begin_previous(struct msp_json_writer *writer, const struct question *before)
{
    msp_json_key(writer, "previous");
    msp_json_begin_object(writer);
    msp_json_key_day(writer, "from", before->from);
    msp_json_key_day(writer, "to", before->to);
}

/* `before` is NULL where nothing is compared. */
static void write_whole(struct msp_json_writer *writer, const struct answer *now,
                        const struct question *before, const struct answer *previous)
{
    write_total(writer, "total", now);
    if (before == NULL)
        return;
    begin_previous(writer, before);
    write_total(writer, "total", previous);
    msp_json_end_object(writer);
    msp_json_key(writer, "change");
    msp_json_begin_object(writer);
    msp_kpi_write_change(writer, total_of(now), total_of(previous));
    msp_json_end_object(writer);
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct msp_kpi_row *)a)->member, ((const struct msp_kpi_row *)b)->member);
}

/* PostgreSQL orders by its own collation; two answers are walked side by side in byte order. */
static void sort_members(struct answer *answer)
{
    if (answer->count > 1)
        qsort(answer->rows, answer->count, sizeof answer->rows[0], compare_members);
}

static void write_member(struct msp_json_writer *writer, const char *member,
                         const struct msp_kpi_row *now, const struct msp_kpi_row *previous,
                         bool compare)
{
    const struct msp_kpi_values *values = now == NULL ? &nothing_computed : &now->values;
    const struct msp_kpi_values *before = previous == NULL ? &nothing_computed : &previous->values;

    msp_json_begin_object(writer);
    msp_json_key_string(writer, "member", member);
    msp_kpi_write_members(writer, values);
    if (compare) {
        msp_json_key(writer, "previous");
        msp_json_begin_object(writer);
        msp_kpi_write_members(writer, before);
        msp_json_end_object(writer);
        msp_json_key(writer, "change");
        msp_json_begin_object(writer);
        msp_kpi_write_change(writer, values, before);
        msp_json_end_object(writer);
    }
    msp_json_end_object(writer);
}

/* The next member of either side in byte order: < 0 it is on the left, > 0 on the right, 0 on both.
 */
static int next_member(const struct answer *left, size_t left_at, const struct answer *right,
                       size_t right_at)
{
    if (left_at == left->count)
        return 1;
    if (right_at == right->count)
        return -1;
    return compare_members(&left->rows[left_at], &right->rows[right_at]);
}

/* Every member of either range, each once; `previous` is empty where nothing is compared. */
static void write_members(struct msp_json_writer *writer, struct answer *now,
                          struct answer *previous, bool compare)
{
    size_t left = 0;
    size_t right = 0;

    sort_members(now);
    sort_members(previous);
    msp_json_key(writer, "members");
    msp_json_begin_array(writer);
    while (left < now->count || right < previous->count) {
        int order = next_member(now, left, previous, right);

        write_member(writer, order <= 0 ? now->rows[left].member : previous->rows[right].member,
                     order <= 0 ? &now->rows[left] : NULL,
                     order >= 0 ? &previous->rows[right] : NULL, compare);
        left += order <= 0;
        right += order >= 0;
    }
    msp_json_end_array(writer);
}

static void write_parts(struct msp_json_writer *writer, struct answer *now,
                        const struct question *before, struct answer *previous)
{
    if (before != NULL) {
        begin_previous(writer, before);
        msp_json_end_object(writer);
    }
    write_members(writer, now, previous, before != NULL);
}

static enum msp_result read_summary(const struct msp_request *request,
                                    const struct question *question, const struct question *before,
                                    struct answer *now, struct answer *previous,
                                    struct msp_error *error)
{
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    result = ask(request, db, msp_kpi_read_merged, question, now, error);
    if (result == MSP_OK && question->compare)
        result = ask(request, db, msp_kpi_read_merged, before, previous, error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

int msp_handle_kpis_summary(const struct msp_request *request, struct msp_response *response)
{
    struct question question = {.by = NULL};
    struct question before;
    struct answer now = {.count = 0};
    struct answer previous = {.count = 0};
    struct msp_error error;
    struct msp_json_writer writer;

    if (read_question(request, &question, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    before = question_before(&question);
    if (read_summary(request, &question, &before, &now, &previous, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    begin_answer(&writer, request, response, &question, &now);
    if (question.by == NULL)
        write_whole(&writer, &now, question.compare ? &before : NULL, &previous);
    else
        write_parts(&writer, &now, question.compare ? &before : NULL, &previous);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

/* ---- the catalogue ---- */

int msp_handle_kpis_definitions(const struct msp_request *request, struct msp_response *response)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "metrics");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        msp_json_begin_object(&writer);
        msp_json_key_string(&writer, "name", msp_kpi_metrics[i].name);
        msp_json_key_string(&writer, "unit", msp_kpi_metrics[i].unit);
        msp_json_key_string(&writer, "definition", msp_kpi_metrics[i].definition);
        msp_json_key_string(&writer, "attribution", msp_kpi_metrics[i].attribution);
        msp_json_end_object(&writer);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}
