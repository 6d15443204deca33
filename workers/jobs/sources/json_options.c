/* Turns the settings of the generic JSON source into a map and a way to page. Calls nobody. */
#include "sources/json_options.h"

#include "sources/source_call.h"

#include <stdio.h>
#include <string.h>

#define PAGE_SIZE       100
#define OVERLAP_SECONDS 300

/* What many systems call these; a tenant's own words come before. */
static const struct msp_source_word statuses[] = {
    {"new", "new"},
    {"created", "new"},
    {"open", "open"},
    {"assigned", "open"},
    {"in progress", "open"},
    {"pending", "pending"},
    {"waiting", "pending"},
    {"on hold", "pending"},
    {"resolved", "resolved"},
    {"solved", "resolved"},
    {"completed", "resolved"},
    {"done", "resolved"},
    {"closed", "closed"},
    {"cancelled", "closed"},
    {"canceled", "closed"},
    {"merged", "closed"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"critical", "critical"},
    {"urgent", "critical"},
    {"emergency", "critical"},
    {"highest", "critical"},
    {"p1", "critical"},
    {"high", "high"},
    {"p2", "high"},
    {"medium", "medium"},
    {"normal", "medium"},
    {"p3", "medium"},
    {"low", "low"},
    {"lowest", "low"},
    {"p4", "low"},
    {"none", "none"},
    {NULL, NULL},
};

/* The members that can be mapped; times are as the option "times" says. */
static const struct {
    const char *member;
    enum msp_source_value value;
    bool is_required;
} members[] = {
    {"external_id", MSP_SOURCE_AS_TEXT, true},
    {"created_at", MSP_SOURCE_AS_TIME, true},
    {"updated_at", MSP_SOURCE_AS_TIME, true},
    {"title", MSP_SOURCE_AS_TEXT, false},
    {"status", MSP_SOURCE_AS_STATUS, false},
    {"source_status", MSP_SOURCE_AS_TEXT, false},
    {"priority", MSP_SOURCE_AS_PRIORITY, false},
    {"category", MSP_SOURCE_AS_TEXT, false},
    {"assignee", MSP_SOURCE_AS_TEXT, false},
    {"requester", MSP_SOURCE_AS_TEXT, false},
    {"group", MSP_SOURCE_AS_TEXT, false},
    {"channel", MSP_SOURCE_AS_TEXT, false},
    {"first_response_at", MSP_SOURCE_AS_TIME, false},
    {"resolved_at", MSP_SOURCE_AS_TIME, false},
    {"closed_at", MSP_SOURCE_AS_TIME, false},
    {"due_at", MSP_SOURCE_AS_TIME, false},
    {"sla_met", MSP_SOURCE_AS_VERDICT, false},
    {"reopen_count", MSP_SOURCE_AS_COUNT, false},
    {"reassignment_count", MSP_SOURCE_AS_COUNT, false},
    {"csat", MSP_SOURCE_AS_SCORE, false},
    {"version", MSP_SOURCE_AS_COUNT, false},
};
#define MEMBERS (sizeof members / sizeof members[0])
_Static_assert(MEMBERS <= MSP_JSON_MEMBERS, "every member has room in the map");

static const char *const pagings[] = {
    [MSP_JSON_SINCE] = "since", [MSP_JSON_NUMBER] = "number", [MSP_JSON_NEXT] = "next",
    [MSP_JSON_LINK] = "link",   [MSP_JSON_NONE] = "none",     NULL,
};
static const char *const times[] = {
    [MSP_JSON_UTC] = "utc",
    [MSP_JSON_LOCAL] = "local",
    [MSP_JSON_UNIX] = "unix",
    NULL,
};

static enum msp_result wrong(const char *option, const char *sentence, struct msp_error *error)
{
    char pointer[sizeof error->pointer];
    (void)snprintf(pointer, sizeof pointer, "/%s", option);
    return msp_fail_at(error, MSP_INVALID, "source_option_wrong", pointer, "The option \"%s\" %s",
                       option, sentence);
}

static enum msp_result read_word(const json_t *options, const char *name, const char *const words[],
                                 int *out, struct msp_error *error)
{
    const char *text = msp_source_text(options, name, words[0]);
    char listing[128] = "must be one of:";
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return MSP_OK;
        }
        size_t used = strlen(listing);
        (void)snprintf(listing + used, sizeof listing - used, " %s", words[i]);
    }
    return wrong(name, listing, error);
}

static enum msp_source_value value_of(enum msp_source_value usual, enum msp_json_time form)
{
    static const enum msp_source_value forms[] = {
        [MSP_JSON_UTC] = MSP_SOURCE_AS_TIME,
        [MSP_JSON_LOCAL] = MSP_SOURCE_AS_LOCAL_TIME,
        [MSP_JSON_UNIX] = MSP_SOURCE_AS_UNIX_TIME,
    };
    return usual == MSP_SOURCE_AS_TIME ? forms[form] : usual;
}

static enum msp_result refuse_strangers(const json_t *fields, struct msp_error *error)
{
    json_t *readable = (json_t *)(uintptr_t)fields; /* jansson's iterators only read it */
    const char *name;
    json_t *path;
    json_object_foreach(readable, name, path)
    {
        size_t at = 0;
        while (at < MEMBERS && strcmp(members[at].member, name) != 0) {
            at++;
        }
        if (at == MEMBERS) {
            return wrong("fields",
                         "names something that is no member of a ticket; "
                         "ops/docs/sources.md lists them.",
                         error);
        }
        if (!json_is_string(path) || json_string_length(path) == 0) {
            return wrong("fields", "must have a path, as a text, for each member.", error);
        }
    }
    return MSP_OK;
}

static enum msp_result read_members(struct msp_json_options *out, const json_t *fields,
                                    struct msp_error *error)
{
    size_t count = 0;
    enum msp_result result = refuse_strangers(fields, error);
    if (result != MSP_OK) {
        return result;
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *path = msp_source_text(fields, members[i].member, NULL);
        if (path == NULL && members[i].is_required) {
            return wrong("fields", "must say where external_id, created_at and updated_at lie.",
                         error);
        }
        if (path == NULL) {
            continue;
        }
        /* "!late" reads the opposite of what lies there. */
        bool is_opposite = path[0] == '!' && members[i].value == MSP_SOURCE_AS_VERDICT;
        out->members[count++] = (struct msp_source_member){
            .member = members[i].member,
            .path = path + (is_opposite ? 1 : 0),
            .value =
                is_opposite ? MSP_SOURCE_AS_NOT_VERDICT : value_of(members[i].value, out->times),
        };
    }
    out->members[count] = (struct msp_source_member){.member = NULL};
    return MSP_OK;
}

static enum msp_result read_forms(struct msp_json_options *out, const json_t *options,
                                  struct msp_error *error)
{
    int paging = 0;
    int since_form = 0;
    int form = 0;
    enum msp_result result = read_word(options, "paging", pagings, &paging, error);
    if (result == MSP_OK) {
        result = read_word(options, "since_form", times, &since_form, error);
    }
    if (result == MSP_OK) {
        result = read_word(options, "times", times, &form, error);
    }
    out->paging = (enum msp_json_paging)paging;
    out->since_form = (enum msp_json_time)since_form;
    out->times = (enum msp_json_time)form;
    return result;
}

static void read_texts(struct msp_json_options *out, const json_t *options)
{
    const struct {
        const char *name;
        const char **target;
    } texts[] = {
        {"url", &out->url},   {"list", &out->list},   {"ids", &out->ids},
        {"rows", &out->rows}, {"next", &out->next},   {"token", &out->token},
        {"page", &out->page}, {"since", &out->since}, {"size", &out->size},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].target = msp_source_text(options, texts[i].name, NULL);
    }
    out->page_size = msp_source_number(options, "page_size", PAGE_SIZE);
    out->delay_seconds = msp_source_number(options, "delay_seconds", 0);
    out->overlap_seconds = msp_source_number(options, "overlap_seconds", OVERLAP_SECONDS);
}

static enum msp_result check_together(const struct msp_json_options *options,
                                      struct msp_error *error)
{
    if (options->url == NULL) {
        return wrong("url", "is missing.", error);
    }
    if (options->list == NULL || options->list[0] != '/') {
        return wrong("list", "must begin with \"/\": it lies below url.", error);
    }
    if (options->ids != NULL && options->ids[0] != '/') {
        return wrong("ids", "must begin with \"/\": it lies below url.", error);
    }
    if (options->paging == MSP_JSON_SINCE && options->since == NULL) {
        return wrong("since",
                     "must name the query parameter for the time since when changes are "
                     "wanted, or paging must be another.",
                     error);
    }
    if (options->paging == MSP_JSON_NUMBER && options->page == NULL) {
        return wrong("page", "must name the query parameter for the page's number.", error);
    }
    if (options->paging == MSP_JSON_NEXT && options->next == NULL) {
        return wrong("next", "must say where the next page's address or token lies.", error);
    }
    if (options->page_size < 1 || options->page_size > MSP_TICKET_BATCH_ROWS) {
        return wrong("page_size", "must be from 1 to 4000.", error);
    }
    return MSP_OK;
}

enum msp_result msp_json_options_init(struct msp_json_options *out,
                                      const struct msp_source_order *order, struct msp_error *error)
{
    *out = (struct msp_json_options){.zone = NULL};
    read_texts(out, order->options);
    enum msp_result result = read_forms(out, order->options, error);
    if (result == MSP_OK) {
        result = check_together(out, error);
    }
    if (result == MSP_OK) {
        result = read_members(out, json_object_get(order->options, "fields"), error);
    }
    if (result == MSP_OK) {
        const char *zone = msp_source_text(order->options, "timezone", order->timezone);
        result = msp_local_zone_new(zone, &out->zone, error);
    }
    out->map = (struct msp_source_map){
        .members = out->members,
        .statuses = statuses,
        .priorities = priorities,
        .status_map = json_object_get(order->options, "status_map"),
        .priority_map = json_object_get(order->options, "priority_map"),
        .zone = out->zone,
    };
    return result;
}

void msp_json_options_done(struct msp_json_options *options)
{
    msp_local_zone_free(options->zone);
    options->zone = NULL;
}
