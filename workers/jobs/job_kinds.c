/* The table of kinds, and how a parent's children are judged. Holds no kind's work. */
#include "job_kinds.h"

#include <stdio.h>
#include <string.h>

static const struct msp_job_kind kinds[] = {
    /* A pull has a budget of 20 s; the rest is for its last page and for reaching PostgreSQL. */
    {"ingest", MSP_LANE_SHORT, 3, 60, msp_kind_ingest_run, NULL, false},
    {"kpi", MSP_LANE_LONG, 5, 1800, msp_kind_kpi_run, msp_kind_kpi_collect, false},
    {"export", MSP_LANE_LONG, 5, 3600, msp_kind_export_run, msp_kind_export_collect, false},
    /* Its own visits are short; the steps are jobs of their own. */
    {"pipeline", MSP_LANE_SHORT, 5, 60, msp_kind_pipeline_run, msp_kind_pipeline_collect, false},
    /* Of which the model may take 150 s. */
    {"summary", MSP_LANE_LONG, 5, 300, msp_kind_summary_run, msp_kind_summary_collect, false},
    {"notification", MSP_LANE_SHORT, 6, 60, msp_kind_notification_run, NULL, true},
    /* Somebody waits for the sentence, and tries again himself. */
    {"source_test", MSP_LANE_SHORT, 1, 60, msp_kind_source_test_run, NULL, false},
    /* A source that allows a call a second lists 360,000 ids in that time. */
    {"sweep", MSP_LANE_LONG, 3, 3600, msp_kind_sweep_run, NULL, false},
    /* A call for every file in object storage. */
    {"erase", MSP_LANE_LONG, 5, 3600, msp_kind_erase_run, NULL, false},
};

const struct msp_job_kind *msp_job_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct msp_job_kind *msp_job_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? &kinds[index] : NULL;
}

/* "tenant-a (day_not_complete: …)" of a child that did not succeed. */
static void describe_failure(const struct msp_job *child, struct msp_buffer *out)
{
    json_t *error = NULL;
    const char *code = msp_job_state_name(child->state);
    const char *detail = "";
    if (child->error != NULL && msp_json_parse(child->error, strlen(child->error),
                                               &msp_job_json_limits, &error, NULL) == MSP_OK) {
        const char *stored_code = json_string_value(json_object_get(error, "code"));
        const char *stored_detail = json_string_value(json_object_get(error, "detail"));
        code = stored_code != NULL ? stored_code : code;
        detail = stored_detail != NULL ? stored_detail : detail;
    }
    msp_buffer_printf(out, "%s%s (%s%s%.120s)", out->length == 0 ? "" : ", ", child->tenant, code,
                      detail[0] == '\0' ? "" : ": ", detail);
    json_decref(error);
}

/* The first `room` bytes of the buffer that end on a whole UTF-8 character, as a length. */
static int clipped(const struct msp_buffer *text, size_t room)
{
    size_t length = text->length < room ? text->length : room;
    while (length > 0 && length < text->length &&
           ((unsigned char)text->data[length] & 0xC0) == 0x80) {
        length--;
    }
    return (int)length;
}

enum msp_result msp_job_kind_collect(const struct msp_job_kind *kind,
                                     const struct msp_job *children, size_t count,
                                     struct msp_buffer *result, struct msp_error *error)
{
    struct msp_buffer failures;
    msp_buffer_init(&failures, 64U << 10);
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (children[i].state != MSP_JOB_SUCCEEDED) {
            failed++;
            describe_failure(&children[i], &failures);
        }
    }
    enum msp_result outcome = kind->collect(children, count, result, error);
    if (outcome == MSP_OK && result->failed) {
        outcome = msp_fail(error, MSP_BROKEN, "result_too_large",
                           "The joined result of %zu tenants is too large; read each tenant's job.",
                           count);
    }
    if (outcome == MSP_OK && failed > 0) {
        /* A failed job has no result, so the sentence tells what succeeded. */
        int room = result->length <= 100 ? (int)result->length : 0;
        outcome = msp_fail(error, MSP_BROKEN, "children_failed",
                           "%zu of %zu tenants failed: %.*s. The others succeeded%s%.*s.", failed,
                           count, clipped(&failures, 300), failures.data, room > 0 ? ": " : "",
                           room, result->data);
    }
    msp_buffer_done(&failures);
    return outcome;
}
