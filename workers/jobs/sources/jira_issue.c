/*
 * Maps issues of Jira. Origin: the REST reference of Jira Service Management (SLA information) and
 * answers of the search. Unverified against a real site: how many changes the search tells of an
 * issue, statuscategorychangedate, the satisfaction field's form.
 */
#include "sources/jira_issue.h"

#include "sources/source_shape.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* "msp." is what msp_jira_issue_shape adds to an issue. */
static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "fields.summary", MSP_SOURCE_AS_TEXT},
    {"source_status", "fields.status.name", MSP_SOURCE_AS_TEXT},
    {"status", "msp.status", MSP_SOURCE_AS_STATUS},
    {"priority", "fields.priority.name", MSP_SOURCE_AS_PRIORITY},
    {"category", "fields.issuetype.name", MSP_SOURCE_AS_TEXT},
    {"assignee", "fields.assignee.displayName", MSP_SOURCE_AS_TEXT},
    {"requester", "fields.reporter.displayName", MSP_SOURCE_AS_TEXT},
    {"group", "fields.project.name", MSP_SOURCE_AS_TEXT},
    {"created_at", "fields.created", MSP_SOURCE_AS_TIME},
    {"updated_at", "fields.updated", MSP_SOURCE_AS_TIME},
    {"first_response_at", "msp.first_response.iso8601", MSP_SOURCE_AS_TIME},
    {"resolved_at", "fields.resolutiondate", MSP_SOURCE_AS_TIME},
    {"closed_at", "msp.closed_at", MSP_SOURCE_AS_TIME},
    {"due_at", "msp.due.iso8601|fields.duedate", MSP_SOURCE_AS_TIME},
    {"sla_met", "msp.sla_met", MSP_SOURCE_AS_VERDICT},
    {"reopen_count", "msp.reopen_count", MSP_SOURCE_AS_COUNT},
    {"reassignment_count", "msp.reassignment_count", MSP_SOURCE_AS_COUNT},
    {"csat", "msp.csat", MSP_SOURCE_AS_SCORE},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

/* Names that a service project starts with; any other goes by its status category. */
#define CATEGORY "category "
static const struct msp_source_word statuses[] = {
    {"open", "open"},
    {"waiting for support", "open"},
    {"work in progress", "open"},
    {"waiting for customer", "pending"},
    {"pending", "pending"},
    {"waiting for approval", "pending"},
    {"resolved", "resolved"},
    {"closed", "closed"},
    {"canceled", "closed"},
    {"declined", "closed"},
    {CATEGORY "new", "new"},
    {CATEGORY "indeterminate", "open"},
    {CATEGORY "done", "resolved"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"highest", "critical"},  {"high", "high"},  {"medium", "medium"},
    {"low", "low"},           {"lowest", "low"}, {"blocker", "critical"},
    {"critical", "critical"}, {"major", "high"}, {"minor", "low"},
    {"trivial", "low"},       {NULL, NULL},
};

const struct msp_source_map msp_jira_map = {
    .members = members,
    .statuses = statuses,
    .priorities = priorities,
};

/* ---- fields ---- */

static void keep_id(char out[MSP_JIRA_FIELD_BYTES], const json_t *field)
{
    const char *id = json_string_value(json_object_get(field, "id"));
    if (out[0] == '\0' && id != NULL && strlen(id) < MSP_JIRA_FIELD_BYTES) {
        (void)snprintf(out, MSP_JIRA_FIELD_BYTES, "%s", id);
    }
}

void msp_jira_field_seen(struct msp_jira_fields *fields, const json_t *field)
{
    const char *custom = json_string_value(msp_source_at(field, "schema.custom"));
    const char *name = json_string_value(json_object_get(field, "name"));
    if (custom == NULL || name == NULL) {
        return;
    }
    if (strcmp(custom, "com.atlassian.servicedesk:sd-request-feedback") == 0) {
        keep_id(fields->satisfaction, field);
    }
    if (strcmp(custom, "com.atlassian.servicedesk:sd-sla-field") != 0) {
        return;
    }
    if (strcasecmp(name, fields->first_response_sla) == 0) {
        keep_id(fields->first_response, field);
    }
    if (strcasecmp(name, fields->resolution_sla) == 0) {
        keep_id(fields->resolution, field);
    }
}

json_t *msp_jira_fields_wanted(const struct msp_jira_fields *fields)
{
    static const char *const always[] = {
        "summary", "status",  "priority", "issuetype",      "assignee", "reporter",
        "project", "created", "updated",  "resolutiondate", "duedate",  "statuscategorychangedate",
        NULL};
    const char *const custom[] = {fields->first_response, fields->resolution, fields->satisfaction};
    json_t *list = json_array();
    for (size_t i = 0; always[i] != NULL; i++) {
        (void)json_array_append_new(list, json_string(always[i]));
    }
    for (size_t i = 0; i < sizeof custom / sizeof custom[0]; i++) {
        if (custom[i][0] != '\0') {
            (void)json_array_append_new(list, json_string(custom[i]));
        }
    }
    return list;
}

/* ---- rows ---- */

static bool has_word(const struct msp_source_map *map, const char *name)
{
    const char *theirs;
    json_t *ours;
    /* jansson's loop takes an object it may change, and changes none. */
    json_object_foreach((json_t *)(uintptr_t)map->status_map, theirs, ours)
    {
        if (strcasecmp(theirs, name) == 0) {
            return true;
        }
    }
    for (const struct msp_source_word *word = statuses; word->theirs != NULL; word++) {
        if (strcasecmp(word->theirs, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The status' name where a word is known for it, else its category: new, indeterminate or done. */
static json_t *status_of(const struct msp_source_map *map, const json_t *row)
{
    const char *name = json_string_value(msp_source_at(row, "fields.status.name"));
    const char *category =
        json_string_value(msp_source_at(row, "fields.status.statusCategory.key"));
    if (name == NULL || category == NULL || has_word(map, name)) {
        return name != NULL ? json_string(name) : NULL;
    }
    return json_sprintf(CATEGORY "%s", category);
}

static const json_t *sla_of(const json_t *row, const char *field)
{
    return field[0] != '\0' ? json_object_get(json_object_get(row, "fields"), field) : NULL;
}

/* The cycle under way, else the last one that ended. */
static const json_t *last_cycle(const json_t *sla)
{
    const json_t *ongoing = json_object_get(sla, "ongoingCycle");
    const json_t *completed = json_object_get(sla, "completedCycles");
    size_t count = json_array_size(completed);
    return json_is_object(ongoing) ? ongoing
           : count > 0             ? json_array_get(completed, count - 1)
                                   : NULL;
}

/* Missed as soon as one cycle was; met once one has ended and none runs. */
static json_t *verdict(const json_t *sla)
{
    const json_t *completed = json_object_get(sla, "completedCycles");
    bool is_running = json_is_object(json_object_get(sla, "ongoingCycle"));
    bool is_missed = json_is_true(msp_source_at(sla, "ongoingCycle.breached"));
    size_t i;
    json_t *cycle;
    json_array_foreach(completed, i, cycle)
    {
        is_missed = is_missed || json_is_true(json_object_get(cycle, "breached"));
    }
    if (is_missed) {
        return json_false();
    }
    return json_array_size(completed) > 0 && !is_running ? json_true() : NULL;
}

/* How many changes of a field there are in the history, from something to `to` (nothing or
 * anything). */
static json_int_t count_changes(const json_t *row, const char *field, bool to_nothing)
{
    json_int_t count = 0;
    size_t i;
    size_t k;
    json_t *history;
    json_t *item;
    json_array_foreach(msp_source_at(row, "changelog.histories"), i, history)
    {
        json_array_foreach(json_object_get(history, "items"), k, item)
        {
            const char *name = json_string_value(json_object_get(item, "field"));
            bool from = json_is_string(json_object_get(item, "from"));
            bool to = json_is_string(json_object_get(item, "to"));
            count += name != NULL && strcmp(name, field) == 0 && from && to == !to_nothing;
        }
    }
    return count;
}

/* Adds to the issue, as "msp", what is not written in it by itself. */
enum msp_result msp_jira_issue_shape(const struct msp_jira_fields *fields,
                                     const struct msp_source_map *map, json_t *row,
                                     struct msp_error *error)
{
    json_t *added = json_object();
    const json_t *resolution = sla_of(row, fields->resolution);
    const char *category =
        json_string_value(msp_source_at(row, "fields.status.statusCategory.key"));
    msp_source_put(added, "status", status_of(map, row));
    msp_source_put(added, "first_response",
                   msp_source_share(msp_source_at(sla_of(row, fields->first_response),
                                                  "completedCycles.0.stopTime")));
    msp_source_put(added, "due",
                   msp_source_share(json_object_get(last_cycle(resolution), "breachTime")));
    msp_source_put(added, "sla_met", verdict(resolution));
    msp_source_put(added, "csat",
                   msp_source_share(msp_source_at(sla_of(row, fields->satisfaction), "rating")));
    if (category != NULL && strcmp(category, "done") == 0) {
        msp_source_put(added, "closed_at",
                       msp_source_share(msp_source_at(row, "fields.statuscategorychangedate")));
    }
    if (fields->with_changelog) {
        /* A resolution that was taken back is a ticket that was reopened. */
        msp_source_put(added, "reopen_count", json_integer(count_changes(row, "resolution", true)));
        msp_source_put(added, "reassignment_count",
                       json_integer(count_changes(row, "assignee", false)));
    }
    return msp_source_add_shape(row, added, error);
}
