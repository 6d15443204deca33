/* The table of kinds, and what a parent makes of its children. */
#include "job_kinds.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct msp_job child(const char *tenant, const char *result, const char *error)
{
    struct msp_job job = {
        .state = result != NULL ? MSP_JOB_SUCCEEDED : MSP_JOB_FAILED,
        .tenant_id = 1,
        .result = result,
        .error = error,
    };
    (void)snprintf(job.tenant, sizeof job.tenant, "%s", tenant);
    return job;
}

/* What `kind` makes of the children; the text lives until the next call. */
static enum msp_result collect(const char *kind, const struct msp_job *children, size_t count,
                               const char **out_text, struct msp_error *error)
{
    static struct msp_buffer result;
    msp_buffer_done(&result);
    msp_buffer_init(&result, 0);
    enum msp_result outcome =
        msp_job_kind_collect(msp_job_kind_find(kind), children, count, &result, error);
    msp_buffer_append(&result, "", 1);
    *out_text = result.data;
    return outcome;
}

Test(job_kinds, knows_its_rows_and_no_others)
{
    cr_assert(msp_job_kind_find("ingest")->lane == MSP_LANE_SHORT);
    cr_assert(msp_job_kind_find("kpi")->lane == MSP_LANE_LONG);
    cr_assert(msp_job_kind_find("export")->lane == MSP_LANE_LONG);
    cr_assert(msp_job_kind_find("") == NULL);
    cr_assert(msp_job_kind_find("kpis") == NULL);
}

Test(job_kinds, offers_no_pull_over_all_tenants)
{
    cr_assert(msp_job_kind_find("ingest")->collect == NULL);
}

Test(job_kinds, runs_a_notification_once_and_for_no_tenant)
{
    cr_assert(msp_job_kind_find("notification")->lane == MSP_LANE_SHORT);
    cr_assert(msp_job_kind_find("notification")->is_global);
    cr_assert_not(msp_job_kind_find("kpi")->is_global);
}

Test(job_kinds, adds_up_what_the_children_computed)
{
    const char *text;
    struct msp_error error;
    struct msp_job children[] = {
        child("a", "{\"rows_written\": 10, \"tenants\": 1, \"days\": 2}", NULL),
        child("b", "{\"rows_written\": 5, \"tenants\": 1, \"days\": 1}", NULL),
    };
    cr_assert(collect("kpi", children, 2, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"rows_written\":15,\"tenants\":2,\"days\":3}");
}

Test(job_kinds, makes_zeroes_of_no_children)
{
    const char *text;
    struct msp_error error;
    cr_assert(collect("kpi", NULL, 0, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"rows_written\":0,\"tenants\":0,\"days\":0}");
    cr_assert(collect("export", NULL, 0, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"export_locations\":[]}");
}

Test(job_kinds, joins_the_locations_of_the_children)
{
    const char *text;
    struct msp_error error;
    struct msp_job children[] = {
        child("a", "{\"export_locations\": []}", NULL),
        child("b", "{\"export_locations\": [{\"location\": \"x\"}, {\"location\": \"y\"}]}", NULL),
        child("c", "{\"export_locations\": [{\"location\": \"z\"}]}", NULL),
    };
    cr_assert(collect("export", children, 3, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"export_locations\":[{\"location\":\"x\"},{\"location\":\"y\"},"
                           "{\"location\":\"z\"}]}");
}

Test(job_kinds, names_the_tenants_that_failed_and_what_the_others_did)
{
    const char *text;
    struct msp_error error;
    struct msp_job children[] = {
        child("alpha", "{\"rows_written\": 10, \"tenants\": 1, \"days\": 2}", NULL),
        child("beta", NULL, "{\"code\": \"day_not_complete\", \"detail\": \"Not yet.\"}"),
        child("gamma", NULL, NULL),
    };
    cr_assert(collect("kpi", children, 3, &text, &error) == MSP_BROKEN);
    cr_assert_str_eq(error.code, "children_failed");
    cr_assert(strstr(error.detail, "2 of 3 tenants failed") != NULL);
    cr_assert(strstr(error.detail, "beta (day_not_complete: Not yet.)") != NULL);
    cr_assert(strstr(error.detail, "gamma (failed)") != NULL);
    cr_assert(strstr(error.detail, "\"rows_written\":10") != NULL, "%s", error.detail);
}

Test(job_kinds, keeps_its_sentence_within_bounds)
{
    const char *text;
    struct msp_error error;
    struct msp_job children[400];
    for (int i = 0; i < 400; i++) {
        children[i] = child("ténant", NULL, "{\"code\": \"x\", \"detail\": \"é é é é é é é é\"}");
    }
    cr_assert(collect("export", children, 400, &text, &error) == MSP_BROKEN);
    cr_assert(strstr(error.detail, "400 of 400 tenants failed") != NULL);
    cr_assert(strlen(error.detail) < sizeof error.detail);
}

Test(job_kinds, joins_the_summaries_of_the_children)
{
    const char *text;
    struct msp_error error;
    struct msp_job children[] = {
        child("a", "{\"summaries\": [{\"tenant_id\": \"a\", \"id\": \"1\"}]}", NULL),
        child("b", "{\"summaries\": [{\"tenant_id\": \"b\", \"id\": \"2\"}]}", NULL),
    };
    cr_assert(collect("summary", children, 2, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"summaries\":[{\"tenant_id\":\"a\",\"id\":\"1\"},"
                           "{\"tenant_id\":\"b\",\"id\":\"2\"}]}");
    cr_assert(collect("summary", NULL, 0, &text, &error) == MSP_OK);
    cr_assert_str_eq(text, "{\"summaries\":[]}");
}
