/* Computes a tenant's days and whatever late tickets made dirty. The arithmetic is in PostgreSQL.
 */
#include "job_kinds.h"
#include "msp/json_writer.h"

#include <string.h>

static enum msp_result read_range(const json_t *parameters, struct msp_kpi_range *out,
                                  struct msp_error *error)
{
    int32_t date = MSP_NO_DAY;
    int32_t from = MSP_NO_DAY;
    int32_t to = MSP_NO_DAY;
    enum msp_result result = msp_job_parameter_day(parameters, "date", &date, error);
    if (result == MSP_OK) {
        result = msp_job_parameter_day(parameters, "from", &from, error);
    }
    if (result == MSP_OK) {
        result = msp_job_parameter_day(parameters, "to", &to, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    if (date != MSP_NO_DAY && (from != MSP_NO_DAY || to != MSP_NO_DAY)) {
        return msp_fail(error, MSP_INVALID, "range_ambiguous",
                        "Give either \"date\" or \"from\" and \"to\", not both.");
    }
    if (date != MSP_NO_DAY) {
        from = date;
        to = date;
    }
    if ((from == MSP_NO_DAY) != (to == MSP_NO_DAY) || from > to) {
        return msp_fail(error, MSP_INVALID, "range_malformed",
                        "A range needs both \"from\" and \"to\", the earlier day first.");
    }
    bool dirty_only = json_is_true(json_object_get(parameters, "dirty_only"));
    *out = (struct msp_kpi_range){
        .from = from, .to = to, .last_ended = from == MSP_NO_DAY && !dirty_only};
    return MSP_OK;
}

static void write_result(int64_t rows_written, int64_t tenants, int64_t days,
                         struct msp_buffer *result)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, result);
    msp_json_begin_object(&writer);
    msp_json_key_int(&writer, "rows_written", rows_written);
    msp_json_key_int(&writer, "tenants", tenants);
    msp_json_key_int(&writer, "days", days);
    msp_json_end_object(&writer);
}

enum msp_result msp_kind_kpi_run(struct msp_job_run *run, struct msp_buffer *result,
                                 struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    struct msp_kpi_range range;
    outcome = read_range(parameters, &range, error);
    json_decref(parameters);
    if (outcome == MSP_OK) {
        outcome = msp_job_run_progress(run, 0, 1, "computing", error);
    }
    struct msp_kpi_computed computed;
    if (outcome == MSP_OK) {
        outcome = msp_kpi_compute(run->db, run->job->tenant_id, &range, &run->fence,
                                  run->deadline_ms, &computed, error);
    }
    if (outcome == MSP_OK) {
        write_result(computed.rows_written, 1, computed.days, result);
    }
    return outcome;
}

enum msp_result msp_kind_kpi_collect(const struct msp_job *children, size_t count,
                                     struct msp_buffer *result, struct msp_error *error)
{
    int64_t rows_written = 0;
    int64_t tenants = 0;
    int64_t days = 0;
    for (size_t i = 0; i < count; i++) {
        if (children[i].state != MSP_JOB_SUCCEEDED || children[i].result == NULL) {
            continue;
        }
        json_t *child;
        enum msp_result outcome = msp_json_parse(children[i].result, strlen(children[i].result),
                                                 &msp_job_json_limits, &child, error);
        if (outcome != MSP_OK) {
            return outcome;
        }
        rows_written += json_integer_value(json_object_get(child, "rows_written"));
        tenants += json_integer_value(json_object_get(child, "tenants"));
        days += json_integer_value(json_object_get(child, "days"));
        json_decref(child);
    }
    write_result(rows_written, tenants, days, result);
    return MSP_OK;
}
