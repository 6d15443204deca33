/* The calls that start a job of their own: computing KPIs and exporting. They check what was asked;
 * the job worker does it. */
#include "handlers.h"

#include "inputs.h"
#include "job_answer.h"
#include "msp/export_store.h"
#include "msp/json_reader.h"
#include "msp/timestamp.h"

#include <string.h>

/* Ten years of days and some: a whole history in one job, and no typing error of a century. */
#define LONGEST_RANGE_DAYS 3700

#define INTERNAL_JOBS "/internal/jobs/"
#define PUBLIC_JOBS   "/v1/jobs/"

/* What a call asks of a job, checked. */
struct wish {
    struct msp_tenant tenant; /* id 0 = all tenants */
    int32_t date, from, to;   /* MSP_NO_DAY = not given */
    bool datasets[MSP_DATASETS];
    bool datasets_given;
    bool force;
};

static const struct wish nothing_wished = {
    .date = MSP_NO_DAY, .from = MSP_NO_DAY, .to = MSP_NO_DAY};

static enum msp_result refuse_callback(const json_t *body, struct msp_error *error)
{
    const char *url = NULL;
    enum msp_result result = msp_input_text(body, "callback_url", &url, error);

    if (result != MSP_OK || url == NULL)
        return result;
    return msp_fail_at(error, MSP_INVALID, "callback_not_allowed", "/callback_url",
                       "EGRESS_ALLOW names no host, and callbacks only go to hosts it names; leave "
                       "callback_url out and ask for the job instead.");
}

static enum msp_result read_tenant(const struct msp_request *request, const json_t *body,
                                   struct msp_tenant *out, struct msp_error *error)
{
    const char *slug = NULL;
    enum msp_result result = msp_input_text(body, "tenant_id", &slug, error);

    if (result != MSP_OK || slug == NULL)
        return result;
    return msp_input_tenant(request, slug, "/tenant_id", out, error);
}

static enum msp_result check_range(int32_t from, int32_t to, struct msp_error *error)
{
    if (from == MSP_NO_DAY && to == MSP_NO_DAY)
        return MSP_OK;
    if (from == MSP_NO_DAY || to == MSP_NO_DAY)
        return msp_fail_at(error, MSP_INVALID, "range_open", from == MSP_NO_DAY ? "/from" : "/to",
                           "A range needs both \"from\" and \"to\".");
    if (from > to)
        return msp_fail_at(error, MSP_INVALID, "range_reversed", "/to",
                           "\"to\" lies before \"from\"; it is the last day of the range.");
    if ((int64_t)to - from >= LONGEST_RANGE_DAYS)
        return msp_fail_at(error, MSP_INVALID, "range_too_long", "/to",
                           "The range holds %lld days, %d are allowed; ask in several parts.",
                           (long long)to - from + 1, LONGEST_RANGE_DAYS);
    return MSP_OK;
}

/* Somewhere on Earth it is already tomorrow; the day after is nowhere. */
static enum msp_result refuse_future(int32_t day, const char *pointer, struct msp_error *error)
{
    if (day == MSP_NO_DAY || day <= msp_input_today() + 1)
        return MSP_OK;
    return msp_fail_at(error, MSP_INVALID, "day_in_future", pointer,
                       "This day has not begun anywhere yet; name one up to today.");
}

static enum msp_result read_days(const json_t *body, struct wish *wish, struct msp_error *error)
{
    enum msp_result result = msp_input_day(body, "date", &wish->date, error);

    if (result == MSP_OK)
        result = msp_input_day(body, "from", &wish->from, error);
    if (result == MSP_OK)
        result = msp_input_day(body, "to", &wish->to, error);
    if (result != MSP_OK)
        return result;
    if (wish->date != MSP_NO_DAY && (wish->from != MSP_NO_DAY || wish->to != MSP_NO_DAY))
        return msp_fail_at(error, MSP_INVALID, "date_and_range", "/date",
                           "Give either \"date\" or \"from\" and \"to\", not both.");
    result = check_range(wish->from, wish->to, error);
    if (result == MSP_OK)
        result = refuse_future(wish->date, "/date", error);
    if (result == MSP_OK)
        result = refuse_future(wish->to, "/to", error);
    return result;
}

static enum msp_result read_datasets(const json_t *body, struct wish *wish, struct msp_error *error)
{
    const json_t *names = json_object_get(body, "datasets");
    const json_t *name;
    size_t at;

    if (names == NULL || json_is_null(names))
        return MSP_OK;
    if (!json_is_array(names) || json_array_size(names) == 0)
        return msp_fail_at(error, MSP_INVALID, "wrong_type", "/datasets",
                           "\"datasets\" must be a list that names kpi_daily, tickets or both.");
    json_array_foreach(names, at, name)
    {
        enum msp_dataset dataset;
        char pointer[48];

        if (!json_is_string(name) || !msp_dataset_parse(json_string_value(name), &dataset)) {
            snprintf(pointer, sizeof pointer, "/datasets/%zu", at);
            return msp_fail_at(error, MSP_INVALID, "dataset_unknown", pointer,
                               "A dataset is \"kpi_daily\" or \"tickets\".");
        }
        wish->datasets[dataset] = true;
    }
    wish->datasets_given = true;
    return MSP_OK;
}

static enum msp_result check_format(const json_t *body, struct msp_error *error)
{
    const char *format = "csv";
    enum msp_result result = msp_input_text(body, "format", &format, error);

    if (result == MSP_OK && strcmp(format, "csv") != 0)
        return msp_fail_at(error, MSP_INVALID, "format_unknown", "/format",
                           "Exports are written as \"csv\"; no other format is known.");
    return result;
}

static enum msp_result refuse_after_job(const json_t *body, struct msp_error *error)
{
    if (!msp_input_has(body, "after_job"))
        return MSP_OK;
    return msp_fail_at(error, MSP_INVALID, "after_job_not_available", "/after_job",
                       "after_job is not available in this version; wait for the first job, then "
                       "start this one.");
}

static enum msp_result read_compute(const struct msp_request *request, const json_t *body,
                                    struct wish *wish, struct msp_error *error)
{
    static const char *const known[] = {"date", "tenant_id", "from", "to", "callback_url", NULL};
    enum msp_result result = msp_json_only_members(body, known, error);

    if (result == MSP_OK)
        result = read_days(body, wish, error);
    if (result == MSP_OK)
        result = refuse_callback(body, error);
    if (result == MSP_OK)
        result = read_tenant(request, body, &wish->tenant, error);
    return result;
}

static enum msp_result read_export(const json_t *body, const char *const *known, struct wish *wish,
                                   struct msp_error *error)
{
    enum msp_result result = msp_json_only_members(body, known, error);

    if (result == MSP_OK)
        result = read_days(body, wish, error);
    if (result == MSP_OK)
        result = read_datasets(body, wish, error);
    if (result == MSP_OK)
        result = check_format(body, error);
    if (result == MSP_OK)
        result = msp_input_bool(body, "force", &wish->force, error);
    if (result == MSP_OK)
        result = refuse_after_job(body, error);
    if (result == MSP_OK)
        result = refuse_callback(body, error);
    return result;
}

static void write_day(struct msp_json_writer *writer, const char *name, int32_t day)
{
    if (day != MSP_NO_DAY)
        msp_json_key_day(writer, name, day);
}

/* The job's parameters: only what was given, and checked. */
static void write_parameters(struct msp_buffer *out, const struct wish *wish)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    write_day(&writer, "date", wish->date);
    write_day(&writer, "from", wish->from);
    write_day(&writer, "to", wish->to);
    if (wish->datasets_given) {
        msp_json_key(&writer, "datasets");
        msp_json_begin_array(&writer);
        for (int dataset = 0; dataset < MSP_DATASETS; dataset++) {
            if (wish->datasets[dataset])
                msp_json_string(&writer, msp_dataset_name((enum msp_dataset)dataset));
        }
        msp_json_end_array(&writer);
    }
    if (wish->force)
        msp_json_key_bool(&writer, "force", true);
    msp_json_end_object(&writer);
    msp_buffer_append(out, "", 1); /* closes the text */
}

static int start(const struct msp_request *request, struct msp_response *response,
                 const struct wish *wish, const char *kind, const char *location)
{
    struct msp_buffer parameters;
    struct msp_job_request wanted = {.kind = kind, .lane = MSP_LANE_LONG};
    int status;

    msp_buffer_init(&parameters, 0);
    write_parameters(&parameters, wish);
    if (parameters.failed) {
        msp_buffer_done(&parameters);
        return msp_problem(request, response, 503, "no_memory", "Memory is short; try again soon.",
                           NULL);
    }
    wanted.parameters = parameters.data;
    status = msp_job_answer_start(request, response, wish->tenant.id, &wanted, location);
    msp_buffer_done(&parameters);
    return status;
}

int msp_handle_compute_daily(const struct msp_request *request, struct msp_response *response)
{
    struct wish wish = nothing_wished;
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);

    if (result == MSP_OK)
        result = read_compute(request, body, &wish, &error);
    json_decref(body);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return start(request, response, &wish, "kpi", INTERNAL_JOBS);
}

int msp_handle_internal_export(const struct msp_request *request, struct msp_response *response)
{
    static const char *const known[] = {"tenant_id", "from",         "to",
                                        "datasets",  "format",       "force",
                                        "after_job", "callback_url", NULL};
    struct wish wish = nothing_wished;
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);

    if (result == MSP_OK)
        result = read_export(body, known, &wish, &error);
    if (result == MSP_OK)
        result = read_tenant(request, body, &wish.tenant, &error);
    json_decref(body);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return start(request, response, &wish, "export", INTERNAL_JOBS);
}

int msp_handle_export(const struct msp_request *request, struct msp_response *response)
{
    static const char *const known[] = {"from",  "to",        "datasets",     "format",
                                        "force", "after_job", "callback_url", NULL};
    struct wish wish = nothing_wished;
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);

    if (result == MSP_OK)
        result = read_export(body, known, &wish, &error);
    json_decref(body);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    wish.tenant = request->caller.tenant;
    return start(request, response, &wish, "export", PUBLIC_JOBS);
}
