/* What the daily pipelines of several tenants make together. */
#include "workers/jobs/job_kinds.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_whole(const struct msp_job *children, size_t count, const char *whole)
{
    struct msp_buffer result;
    struct msp_error error;

    msp_buffer_init(&result, 0);
    cr_assert_eq(msp_kind_pipeline_collect(children, count, &result, &error), MSP_OK);
    cr_assert_eq(result.length, strlen(whole), "%.*s", (int)result.length, result.data);
    cr_assert_eq(memcmp(result.data, whole, result.length), 0, "%.*s", (int)result.length,
                 result.data);
    msp_buffer_done(&result);
}

static const char of_one[] =
    "{\"tenants\":[{\"tenant_id\":\"a\",\"date\":\"2024-03-01\"}],\"ingest\":null,"
    "\"kpi\":{\"rows_written\":3,\"tenants\":1,\"days\":1},\"export\":{\"export_locations\":[1]}}";
static const char of_another[] = "{\"tenants\":[{\"tenant_id\":\"b\",\"date\":\"2024-02-29\"}],"
                                 "\"ingest\":{\"pulls\":2,\"stats\":{\"fetched\":5}},"
                                 "\"kpi\":{\"rows_written\":4,\"tenants\":1,\"days\":2},\"export\":"
                                 "{\"export_locations\":[2,3]}}";

Test(pipeline_result, numbers_add_up_and_lists_follow_one_another)
{
    const struct msp_job children[] = {
        {.kind = "pipeline", .state = MSP_JOB_SUCCEEDED, .result = of_one},
        {.kind = "pipeline", .state = MSP_JOB_SUCCEEDED, .result = of_another},
        {.kind = "pipeline", .state = MSP_JOB_SUCCEEDED, .result = of_another},
    };

    expect_whole(children, 3,
                 "{\"tenants\":[{\"tenant_id\":\"a\",\"date\":\"2024-03-01\"},"
                 "{\"tenant_id\":\"b\",\"date\":\"2024-02-29\"},"
                 "{\"tenant_id\":\"b\",\"date\":\"2024-02-29\"}],"
                 "\"ingest\":{\"pulls\":4,\"stats\":{\"fetched\":10}},"
                 "\"kpi\":{\"rows_written\":11,\"tenants\":3,\"days\":5},"
                 "\"export\":{\"export_locations\":[1,2,3,2,3]}}");
}

Test(pipeline_result, those_that_failed_add_nothing)
{
    const struct msp_job children[] = {
        {.kind = "pipeline", .state = MSP_JOB_FAILED, .error = "{\"code\":\"x\",\"detail\":\"y\"}"},
        {.kind = "pipeline", .state = MSP_JOB_CANCELLED},
    };

    expect_whole(children, 2,
                 "{\"tenants\":[],\"ingest\":null,"
                 "\"kpi\":{\"rows_written\":0,\"tenants\":0,\"days\":0},"
                 "\"export\":{\"export_locations\":[]}}");
}

Test(pipeline_result, what_cannot_be_read_is_told)
{
    const struct msp_job child = {
        .kind = "pipeline", .state = MSP_JOB_SUCCEEDED, .result = "{\"tenants\":"};
    struct msp_buffer result;
    struct msp_error error;

    msp_buffer_init(&result, 0);
    cr_assert_neq(msp_kind_pipeline_collect(&child, 1, &result, &error), MSP_OK);
    cr_assert_neq(error.code[0], '\0');
    msp_buffer_done(&result);
}
