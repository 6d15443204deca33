/* The calls that start a job of their own, one row each. They check what was asked; the job worker
 * does it. */
#include "handlers.h"

#include "inputs.h"
#include "job_answer.h"
#include "msp/egress_allow.h"
#include "msp/export_store.h"
#include "msp/json_reader.h"
#include "msp/timestamp.h"

#include <string.h>

/* Ten years of days and some: a whole history in one job, and no typing error of a century. */
#define LONGEST_RANGE_DAYS 3700

#define INTERNAL_JOBS "/internal/jobs/"
#define PUBLIC_JOBS   "/v1/jobs/"

/* A call: which members it takes and which job it starts. */
struct start {
    const char *kind;
    enum msp_job_lane lane;
    const char *location;
    bool by_person;
    const char *const *members; /* closed by NULL; without "tenant_id" it works for the caller's */
    bool needs_range;
};

/* What a call asks of a job, checked. Texts are borrowed from the body. */
struct wish {
    struct msp_tenant tenant; /* id 0 = all tenants */
    int32_t date, from, to;   /* MSP_NO_DAY = not given */
    bool datasets[MSP_DATASETS];
    bool datasets_given;
    enum msp_export_format format;
    bool force;
    const char *language; /* NULL = not given */
    const char *after_job;
    const char *callback_url;
};

static const struct wish nothing_wished = {
    .date = MSP_NO_DAY, .from = MSP_NO_DAY, .to = MSP_NO_DAY, .format = MSP_EXPORT_CSV};

/* The host must be one the operator has named, and there must be a secret to sign with. */
static enum msp_result read_callback(const struct msp_request *request, const json_t *body,
                                     struct wish *wish, struct msp_error *error)
{
    const char *url = NULL;
    enum msp_egress_reach reach;
    struct msp_error refusal;
    enum msp_result result = msp_input_text(body, "callback_url", &url, error);

    if (result != MSP_OK || url == NULL)
        return result;
    if (msp_egress_allow_check(request->settings->egress_allow, url, &reach, &refusal) != MSP_OK)
        return msp_fail_at(error, MSP_INVALID, refusal.code, "/callback_url", "%s", refusal.detail);
    if (request->settings->callback_secret[0] == '\0')
        return msp_fail_at(error, MSP_INVALID, "callback_secret_missing", "/callback_url",
                           "Callbacks are signed, and CALLBACK_SECRET is not set; set it, or leave "
                           "callback_url out and ask for the job instead.");
    wish->callback_url = url;
    return MSP_OK;
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
                           "\"datasets\" must be a list that names kpi_daily, tickets or tenants.");
    json_array_foreach(names, at, name)
    {
        enum msp_dataset dataset;
        char pointer[48];

        if (!json_is_string(name) || !msp_dataset_parse(json_string_value(name), &dataset)) {
            snprintf(pointer, sizeof pointer, "/datasets/%zu", at);
            return msp_fail_at(error, MSP_INVALID, "dataset_unknown", pointer,
                               "A dataset is \"kpi_daily\", \"tickets\" or \"tenants\".");
        }
        wish->datasets[dataset] = true;
    }
    wish->datasets_given = true;
    return MSP_OK;
}

static enum msp_result read_format(const json_t *body, struct wish *wish, struct msp_error *error)
{
    const char *format = NULL;
    enum msp_result result = msp_input_text(body, "format", &format, error);

    if (result == MSP_OK && format != NULL && !msp_export_format_parse(format, &wish->format))
        return msp_fail_at(error, MSP_INVALID, "format_unknown", "/format",
                           "Exports are written as \"csv\" or \"csv.gz\".");
    return result;
}

static enum msp_result read_language(const json_t *body, struct wish *wish, struct msp_error *error)
{
    enum msp_result result = msp_input_text(body, "language", &wish->language, error);

    if (result == MSP_OK && wish->language != NULL && strcmp(wish->language, "en") != 0 &&
        strcmp(wish->language, "fr") != 0)
        return msp_fail_at(error, MSP_INVALID, "language_unknown", "/language",
                           "Summaries are written in \"en\" or \"fr\".");
    return result;
}

/* What is absent stays as it is, and what the call does not take was refused before. */
static enum msp_result read_wish(const struct msp_request *request, const json_t *body,
                                 struct wish *wish, struct msp_error *error)
{
    enum msp_result result = read_days(body, wish, error);

    if (result == MSP_OK)
        result = read_datasets(body, wish, error);
    if (result == MSP_OK)
        result = read_format(body, wish, error);
    if (result == MSP_OK)
        result = msp_input_bool(body, "force", &wish->force, error);
    if (result == MSP_OK)
        result = read_language(body, wish, error);
    if (result == MSP_OK)
        result = msp_input_text(body, "after_job", &wish->after_job, error);
    if (result == MSP_OK)
        result = read_callback(request, body, wish, error);
    if (result == MSP_OK)
        result = read_tenant(request, body, &wish->tenant, error);
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
    if (wish->format != MSP_EXPORT_CSV)
        msp_json_key_string(&writer, "format", msp_export_format_name(wish->format));
    if (wish->force)
        msp_json_key_bool(&writer, "force", true);
    if (wish->language != NULL)
        msp_json_key_string(&writer, "language", wish->language);
    msp_json_end_object(&writer);
    msp_buffer_append(out, "", 1); /* closes the text */
}

static int begin(const struct msp_request *request, struct msp_response *response,
                 const struct start *start, const struct wish *wish)
{
    struct msp_job_request wanted = {.kind = start->kind,
                                     .lane = start->lane,
                                     .merges = true,
                                     .by_person = start->by_person,
                                     .after_job = wish->after_job,
                                     .callback_url = wish->callback_url};
    struct msp_buffer parameters;
    int status;

    msp_buffer_init(&parameters, 0);
    write_parameters(&parameters, wish);
    if (parameters.failed) {
        msp_buffer_done(&parameters);
        return msp_problem_no_memory(request, response);
    }
    wanted.parameters = parameters.data;
    status = msp_job_answer_start(request, response, wish->tenant.id, &wanted, start->location);
    msp_buffer_done(&parameters);
    return status;
}

static enum msp_result check_needs(const struct start *start, const struct wish *wish,
                                   struct msp_error *error)
{
    if (start->needs_range && wish->from == MSP_NO_DAY)
        return msp_fail_at(error, MSP_INVALID, "range_missing", "/from",
                           "Say which days: \"from\" and \"to\", both inclusive.");
    return MSP_OK;
}

static int take_wish(const struct msp_request *request, struct msp_response *response,
                     const struct start *start, struct wish wish)
{
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);
    int status;

    wish.tenant = request->caller.tenant;
    if (result == MSP_OK)
        result = msp_json_only_members(body, start->members, &error);
    if (result == MSP_OK)
        result = read_wish(request, body, &wish, &error);
    if (result == MSP_OK)
        result = check_needs(start, &wish, &error);
    status = result == MSP_OK ? begin(request, response, start, &wish)
                              : msp_problem_from_error(request, response, &error);
    json_decref(body);
    return status;
}

static int take(const struct msp_request *request, struct msp_response *response,
                const struct start *start)
{
    return take_wish(request, response, start, nothing_wished);
}

int msp_handle_compute_daily(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"date",      "tenant_id",    "from", "to",
                                          "after_job", "callback_url", NULL};
    static const struct start start = {"kpi", MSP_LANE_LONG, INTERNAL_JOBS, false, members, false};

    return take(request, response, &start);
}

int msp_handle_internal_export(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"tenant_id", "from",         "to",
                                          "datasets",  "format",       "force",
                                          "after_job", "callback_url", NULL};
    static const struct start start = {"export", MSP_LANE_LONG, INTERNAL_JOBS,
                                       false,    members,       false};

    return take(request, response, &start);
}

int msp_handle_export(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"from",  "to",        "datasets",     "format",
                                          "force", "after_job", "callback_url", NULL};
    static const struct start start = {"export", MSP_LANE_LONG, PUBLIC_JOBS, true, members, false};

    return take(request, response, &start);
}

int msp_handle_daily_pipeline(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"date", "tenant_id", "after_job", "callback_url", NULL};
    static const struct start start = {"pipeline", MSP_LANE_SHORT, INTERNAL_JOBS,
                                       false,      members,        false};

    return take(request, response, &start);
}

/* The language is settled now, so that a job means the same however often it is tried. */
static int take_summary(const struct msp_request *request, struct msp_response *response,
                        const struct start *start)
{
    /* In the order of the setting's words. */
    static const char *const languages[] = {"en", "fr"};
    struct wish wish = nothing_wished;

    wish.language = languages[request->settings->summary_language];
    return take_wish(request, response, start, wish);
}

int msp_handle_internal_summary(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"tenant_id", "from",         "to", "language",
                                          "after_job", "callback_url", NULL};
    static const struct start start = {"summary", MSP_LANE_LONG, INTERNAL_JOBS,
                                       false,     members,       true};

    return take_summary(request, response, &start);
}

int msp_handle_summary_start(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"from",      "to",           "language",
                                          "after_job", "callback_url", NULL};
    static const struct start start = {"summary", MSP_LANE_LONG, PUBLIC_JOBS, true, members, true};

    return take_summary(request, response, &start);
}
