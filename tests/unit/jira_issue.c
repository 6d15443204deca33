/* An issue of Jira says more than its fields do: SLA cycles, status categories, a history. */
#include "sources/jira_issue.h"

#include "sources/source_shape.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_jira_fields fields;
static struct msp_source_map map;
static struct msp_error error;

static void see(const char *id, const char *name, const char *custom)
{
    json_t *field =
        json_pack("{s:s, s:s, s:{s:s}}", "id", id, "name", name, "schema", "custom", custom);
    msp_jira_field_seen(&fields, field);
    json_decref(field);
}

static void make(void)
{
    fields = (struct msp_jira_fields){.first_response_sla = "Time to first response",
                                      .resolution_sla = "Time to resolution",
                                      .with_changelog = true};
    map = msp_jira_map;
    see("customfield_1", "Time to close", "com.atlassian.servicedesk:sd-sla-field");
    see("customfield_2", "time to First Response", "com.atlassian.servicedesk:sd-sla-field");
    see("customfield_3", "Time to resolution", "com.atlassian.servicedesk:sd-sla-field");
    see("customfield_4", "Time to resolution", "com.example:other-field");
    see("customfield_5", "Satisfaction", "com.atlassian.servicedesk:sd-request-feedback");
}

TestSuite(jira_issue, .init = make);

/* What is added to an issue with these fields and this history. */
static json_t *shaped(const char *inside, const char *changelog)
{
    json_t *row = json_pack("{s:s, s:o, s:o}", "id", "10001", "fields", json_loads(inside, 0, NULL),
                            "changelog", json_loads(changelog, 0, NULL));
    cr_assert(row != NULL, "%s", inside);
    cr_assert_eq(msp_jira_issue_shape(&fields, &map, row, &error), MSP_OK);
    json_t *added = json_incref(json_object_get(row, "msp"));
    json_decref(row);
    return added;
}

static const char *text_at(const json_t *added, const char *path)
{
    const char *text = json_string_value(msp_source_at(added, path));
    return text != NULL ? text : "";
}

Test(jira_issue, custom_fields_are_known_by_type_and_name)
{
    cr_assert_str_eq(fields.first_response, "customfield_2");
    cr_assert_str_eq(fields.resolution, "customfield_3");
    cr_assert_str_eq(fields.satisfaction, "customfield_5");
    json_t *wanted = msp_jira_fields_wanted(&fields);
    size_t count = json_array_size(wanted);
    cr_assert_str_eq(json_string_value(json_array_get(wanted, count - 1)), "customfield_5");
    cr_assert_str_eq(json_string_value(json_array_get(wanted, 0)), "summary");
    json_decref(wanted);
}

Test(jira_issue, a_status_nobody_knows_goes_by_its_category)
{
    json_t *own = json_pack("{s:s}", "In der Werkstatt", "pending");
    json_t *added = shaped("{\"status\":{\"name\":\"Ready for pickup\","
                           "\"statusCategory\":{\"key\":\"done\"}}}",
                           "{}");
    cr_assert_str_eq(text_at(added, "status"), "category done");
    json_decref(added);
    added = shaped("{\"status\":{\"name\":\"WAITING FOR CUSTOMER\","
                   "\"statusCategory\":{\"key\":\"indeterminate\"}}}",
                   "{}");
    cr_assert_str_eq(text_at(added, "status"), "WAITING FOR CUSTOMER");
    json_decref(added);
    map.status_map = own;
    added = shaped("{\"status\":{\"name\":\"in der werkstatt\","
                   "\"statusCategory\":{\"key\":\"indeterminate\"}}}",
                   "{}");
    cr_assert_str_eq(text_at(added, "status"), "in der werkstatt");
    json_decref(added);
    json_decref(own);
}

Test(jira_issue, one_missed_cycle_is_a_missed_target)
{
    static const struct {
        const char *sla;
        int verdict; /* -1: none */
    } cases[] = {
        {"{\"completedCycles\":[{\"breached\":false}]}", 1},
        {"{\"completedCycles\":[{\"breached\":true},{\"breached\":false}]}", 0},
        {"{\"completedCycles\":[{\"breached\":false}],\"ongoingCycle\":{\"breached\":false}}", -1},
        {"{\"completedCycles\":[],\"ongoingCycle\":{\"breached\":true}}", 0},
        {"{\"completedCycles\":[]}", -1},
        {"null", -1},
        {"\"late\"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char inside[256];
        (void)snprintf(inside, sizeof inside, "{\"customfield_3\":%s}", cases[i].sla);
        json_t *added = shaped(inside, "{}");
        const json_t *met = json_object_get(added, "sla_met");
        int verdict = json_is_true(met) ? 1 : json_is_false(met) ? 0 : -1;
        cr_assert_eq(verdict, cases[i].verdict, "%s", cases[i].sla);
        json_decref(added);
    }
}

Test(jira_issue, the_running_cycle_says_when_it_is_due_and_the_first_one_when_it_was_answered)
{
    json_t *added =
        shaped("{\"customfield_2\":{\"completedCycles\":[{\"stopTime\":{\"iso8601\":\"first\"}},"
               "{\"stopTime\":{\"iso8601\":\"second\"}}]},"
               "\"customfield_3\":{\"completedCycles\":[{\"breachTime\":{\"iso8601\":\"then\"}}],"
               "\"ongoingCycle\":{\"breachTime\":{\"iso8601\":\"now\"}}},"
               "\"customfield_5\":{\"rating\":4}}",
               "{}");
    cr_assert_str_eq(text_at(added, "first_response.iso8601"), "first");
    cr_assert_str_eq(text_at(added, "due.iso8601"), "now");
    cr_assert_eq(json_integer_value(json_object_get(added, "csat")), 4);
    json_decref(added);
}

Test(jira_issue, what_was_taken_back_counts_as_reopened)
{
    json_t *added =
        shaped("{}", "{\"histories\":["
                     "{\"items\":[{\"field\":\"resolution\",\"from\":null,\"to\":\"1\"}]},"
                     "{\"items\":[{\"field\":\"resolution\",\"from\":\"1\",\"to\":null},"
                     "{\"field\":\"assignee\",\"from\":\"a\",\"to\":\"b\"}]},"
                     "{\"items\":[{\"field\":\"assignee\",\"from\":null,\"to\":\"a\"},7]},5]}");
    cr_assert_eq(json_integer_value(json_object_get(added, "reopen_count")), 1);
    cr_assert_eq(json_integer_value(json_object_get(added, "reassignment_count")), 1);
    json_decref(added);
    fields.with_changelog = false;
    added = shaped("{}", "{}");
    cr_assert(json_object_get(added, "reopen_count") == NULL);
    json_decref(added);
}
