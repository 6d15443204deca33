/* Exports a tenant's datasets. First brings the KPIs up to date, so that no file tells of old days.
 */
#include "export_dataset.h"
#include "job_kinds.h"

#include <string.h>

struct export_request {
    int32_t from, to;
    bool force;
    bool datasets[MSP_DATASETS];
    enum msp_export_format format;
};

static enum msp_result read_datasets(const json_t *list, struct export_request *out,
                                     struct msp_error *error)
{
    if (list == NULL || json_is_null(list)) {
        for (int i = 0; i < MSP_DATASETS; i++) {
            out->datasets[i] = true;
        }
        return MSP_OK;
    }
    size_t index;
    const json_t *name;
    json_array_foreach(list, index, name)
    {
        enum msp_dataset dataset;
        if (!json_is_string(name) || !msp_dataset_parse(json_string_value(name), &dataset)) {
            return msp_fail(error, MSP_INVALID, "dataset_unknown",
                            "\"datasets\" may hold \"kpi_daily\", \"tickets\" and \"tenants\".");
        }
        out->datasets[dataset] = true;
    }
    return json_is_array(list) ? MSP_OK
                               : msp_fail(error, MSP_INVALID, "dataset_unknown",
                                          "\"datasets\" must be a list of the datasets' names.");
}

static enum msp_result read_format(const json_t *name, enum msp_export_format *out,
                                   struct msp_error *error)
{
    *out = MSP_EXPORT_CSV;
    if (name == NULL || json_is_null(name) ||
        (json_is_string(name) && msp_export_format_parse(json_string_value(name), out))) {
        return MSP_OK;
    }
    return msp_fail(error, MSP_INVALID, "format_unknown",
                    "\"format\" may be \"csv\" or \"csv.gz\".");
}

static enum msp_result read_request(const json_t *parameters, struct export_request *out,
                                    struct msp_error *error)
{
    *out = (struct export_request){.force = json_is_true(json_object_get(parameters, "force"))};
    enum msp_result result = msp_job_parameter_day(parameters, "from", &out->from, error);
    if (result == MSP_OK) {
        result = msp_job_parameter_day(parameters, "to", &out->to, error);
    }
    if (result == MSP_OK) {
        result = read_datasets(json_object_get(parameters, "datasets"), out, error);
    }
    if (result == MSP_OK) {
        result = read_format(json_object_get(parameters, "format"), &out->format, error);
    }
    if (result == MSP_OK &&
        ((out->from == MSP_NO_DAY) != (out->to == MSP_NO_DAY) || out->from > out->to)) {
        result = msp_fail(error, MSP_INVALID, "range_malformed",
                          "A range needs both \"from\" and \"to\", the earlier day first.");
    }
    return result;
}

static enum msp_result recompute(struct msp_job_run *run, struct msp_error *error)
{
    struct msp_kpi_range dirty = {.from = MSP_NO_DAY, .to = MSP_NO_DAY};
    struct msp_kpi_computed computed;
    enum msp_result result = msp_job_run_progress(run, 0, 0, "computing", error);
    if (result == MSP_OK) {
        result = msp_kpi_compute(run->db, run->job->tenant_id, &dirty, &run->fence,
                                 run->deadline_ms, &computed, error);
    }
    return result;
}

enum msp_result msp_kind_export_run(struct msp_job_run *run, struct msp_buffer *result,
                                    struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    struct export_request request;
    outcome = read_request(parameters, &request, error);
    json_decref(parameters);
    if (outcome == MSP_OK) {
        outcome = recompute(run, error);
    }
    struct msp_json_writer json;
    msp_json_writer_init(&json, result);
    msp_json_begin_object(&json);
    msp_json_key(&json, "export_locations");
    msp_json_begin_array(&json);
    for (int i = 0; i < MSP_DATASETS && outcome == MSP_OK; i++) {
        if (request.datasets[i]) {
            struct msp_export_order order = {.dataset = (enum msp_dataset)i,
                                             .format = request.format,
                                             .from = request.from,
                                             .to = request.to,
                                             .force = request.force};
            outcome = msp_export_dataset(run, &order, &json, error);
        }
    }
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    return outcome;
}

static enum msp_result append_locations(const struct msp_job *child, bool *empty,
                                        struct msp_buffer *result, struct msp_error *error)
{
    json_t *object;
    enum msp_result outcome =
        msp_json_parse(child->result, strlen(child->result), &msp_job_json_limits, &object, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    size_t index;
    const json_t *location;
    json_array_foreach(json_object_get(object, "export_locations"), index, location)
    {
        size_t size = json_dumpb(location, NULL, 0, JSON_COMPACT);
        msp_buffer_append(result, ",", *empty ? 0 : 1);
        char *room = msp_buffer_reserve(result, size);
        if (room == NULL) {
            break;
        }
        result->length += json_dumpb(location, room, size, JSON_COMPACT);
        *empty = false;
    }
    json_decref(object);
    return MSP_OK;
}

enum msp_result msp_kind_export_collect(const struct msp_job *children, size_t count,
                                        struct msp_buffer *result, struct msp_error *error)
{
    bool empty = true;
    enum msp_result outcome = MSP_OK;
    msp_buffer_append_text(result, "{\"export_locations\":[");
    for (size_t i = 0; i < count && outcome == MSP_OK; i++) {
        if (children[i].state == MSP_JOB_SUCCEEDED && children[i].result != NULL) {
            outcome = append_locations(&children[i], &empty, result, error);
        }
    }
    msp_buffer_append_text(result, "]}");
    return outcome;
}
