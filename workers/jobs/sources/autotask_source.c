/*
 * Tickets of Autotask PSA, REST 1.0. Queries tickets, their picklists and the names of resources;
 * never writes.
 *
 * The MSP's data lies in one of several zones, which is looked up first. The hourly quota is shared
 * by everything the MSP has connected, so its figures are read before a pull begins. Not checked
 * against a live system: that lastActivityDate moves when only the status is changed (the option
 * updated_field names another), and that rows come by ascending id.
 */
#include "msp/timestamp.h"
#include "sources/autotask_zone.h"
#include "sources/source_round.h"
#include "sources/source_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CURSOR_KIND     "at1"
#define QUERY_PATH      "/v1.0/Tickets/query"
#define PAGE_ROWS       500 /* the API's bound */
#define OVERLAP_SECONDS 300
#define RESOURCE_PAGES  20 /* 10,000 people */

static const char *const wanted_fields[] = {
    "id",
    "title",
    "status",
    "priority",
    "issueType",
    "queueID",
    "assignedResourceID",
    "contactID",
    "source",
    "createDate",
    "lastActivityDate",
    "lastTrackedModificationDateTime",
    "firstResponseDateTime",
    "resolvedDateTime",
    "completedDate",
    "resolvedDueDateTime",
    "dueDateTime",
    "serviceLevelAgreementHasBeenMet",
};

/* Fields whose numbers the ticket's picklists give words for. */
static const char *const picklists[] = {"status", "priority", "issueType", "queueID", "source"};
#define PICKLISTS (sizeof picklists / sizeof picklists[0])

/* Labels of a fresh database, and the numbers behind those that cannot be renamed. */
static const struct msp_source_word statuses[] = {
    {"New", "new"},
    {"1", "new"},
    {"In Progress", "open"},
    {"Waiting Customer", "pending"},
    {"Waiting Materials", "pending"},
    {"Waiting Vendor", "pending"},
    {"Waiting Approval", "pending"},
    {"On Hold", "pending"},
    {"Resolved", "resolved"},
    {"RMM Resolved", "resolved"},
    {"Complete", "closed"},
    {"5", "closed"},
    {"Billed", "closed"},
    {"Closed", "closed"},
    {"Inactive", "closed"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"Critical", "critical"},
    {"4", "critical"},
    {"Emergency", "critical"},
    {"High", "high"},
    {"1", "high"},
    {"Medium", "medium"},
    {"Normal", "medium"},
    {"2", "medium"},
    {"Low", "low"},
    {"3", "low"},
    {NULL, NULL},
};

static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "title", MSP_SOURCE_AS_TEXT},
    {"status", "status", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"category", "issueType", MSP_SOURCE_AS_TEXT},
    {"group", "queueID", MSP_SOURCE_AS_TEXT},
    {"assignee", "assignedResourceID", MSP_SOURCE_AS_TEXT},
    {"requester", "contactID", MSP_SOURCE_AS_TEXT},
    {"channel", "source", MSP_SOURCE_AS_TEXT},
    {"created_at", "createDate", MSP_SOURCE_AS_TIME},
    {"updated_at", "updated", MSP_SOURCE_AS_TIME},
    {"first_response_at", "firstResponseDateTime", MSP_SOURCE_AS_TIME},
    {"resolved_at", "resolvedDateTime", MSP_SOURCE_AS_TIME},
    {"closed_at", "completedDate", MSP_SOURCE_AS_TIME},
    {"due_at", "resolvedDueDateTime|dueDateTime", MSP_SOURCE_AS_TIME},
    {"sla_met", "serviceLevelAgreementHasBeenMet", MSP_SOURCE_AS_VERDICT},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

struct autotask {
    struct msp_source_round round; /* must be first */
    struct msp_source_order order;
    struct msp_source_session *session; /* with the zone; NULL until it is known */
    struct msp_autotask_zone zone;
    const char *updated_field;
    json_t *words[PICKLISTS]; /* labels by number; NULL until a row needs them */
    json_t *people;           /* names by resource id */
};

static msp_source_ask ask;

static void forget_names(struct autotask *reader)
{
    for (size_t i = 0; i < PICKLISTS; i++) {
        json_decref(reader->words[i]);
        reader->words[i] = NULL;
    }
    json_decref(reader->people);
    reader->people = NULL;
}

static void close_reader(struct msp_source_reader *base)
{
    struct autotask *reader = (struct autotask *)base;
    if (reader == NULL) {
        return;
    }
    forget_names(reader);
    msp_source_session_free(reader->session);
    free(reader);
}

static bool is_known_field(const char *name)
{
    for (size_t i = 0; i < sizeof wanted_fields / sizeof wanted_fields[0]; i++) {
        if (strcmp(wanted_fields[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    const char *updated_field =
        msp_source_text(order->options, "updated_field", "lastActivityDate");
    if (!is_known_field(updated_field)) {
        return msp_fail(error, MSP_INVALID, "source_option_wrong",
                        "The option updated_field must be lastActivityDate or "
                        "lastTrackedModificationDateTime.");
    }
    struct autotask *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open Autotask.");
    }
    reader->order = *order;
    reader->updated_field = updated_field;
    reader->round = (struct msp_source_round){
        .base = {&msp_autotask_source},
        .kind = CURSOR_KIND,
        .id_path = "id",
        .ask = ask,
        .map =
            {
                .members = members,
                .statuses = statuses,
                .priorities = priorities,
                .status_map = json_object_get(order->options, "status_map"),
                .priority_map = json_object_get(order->options, "priority_map"),
            },
        .overlap_seconds = msp_source_number(order->options, "overlap_seconds", OVERLAP_SECONDS),
    };
    *out = &reader->round.base;
    return MSP_OK;
}

static enum msp_result sign_in(struct autotask *reader, int64_t deadline_ms,
                               struct msp_error *error)
{
    return reader->session != NULL ? MSP_OK
                                   : msp_autotask_sign_in(&reader->order, deadline_ms,
                                                          &reader->session, &reader->zone, error);
}

/* ---- names ---- */

static enum msp_result read_labels(struct autotask *reader, const json_t *fields,
                                   struct msp_error *error)
{
    size_t i;
    const json_t *field;
    json_array_foreach(fields, i, field)
    {
        const char *name = json_string_value(json_object_get(field, "name"));
        for (size_t at = 0; at < PICKLISTS && name != NULL; at++) {
            if (strcmp(picklists[at], name) != 0) {
                continue;
            }
            enum msp_result result =
                msp_source_names_add(reader->words[at], json_object_get(field, "picklistValues"),
                                     "value", "label", error);
            if (result != MSP_OK) {
                return result;
            }
        }
    }
    return MSP_OK;
}

static enum msp_result fetch_labels(struct autotask *reader, int64_t deadline_ms,
                                    struct msp_error *error)
{
    struct msp_source_call call = {.method = "GET",
                                   .target = "/v1.0/Tickets/entityInformation/fields"};
    json_t *answer = NULL;
    json_t *fields = NULL;
    int status = 0;
    enum msp_result result =
        msp_source_fetch(reader->session, &call, deadline_ms, &answer, &status, error);
    if (result == MSP_OK) {
        result = msp_source_rows(reader->session, answer, "fields", &fields, error);
    }
    if (result == MSP_OK) {
        result = read_labels(reader, fields, error);
    }
    json_decref(answer);
    return result;
}

static enum msp_result add_people(struct autotask *reader, const json_t *rows,
                                  struct msp_error *error)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *first = json_string_value(json_object_get(row, "firstName"));
        const char *last = json_string_value(json_object_get(row, "lastName"));
        json_t *name =
            json_sprintf("%s%s%s", first != NULL ? first : "",
                         first != NULL && last != NULL ? " " : "", last != NULL ? last : "");
        if (json_is_object(row) && name != NULL && json_object_set(row, "name", name) != 0) {
            json_decref(name);
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for names.");
        }
        json_decref(name);
    }
    return msp_source_names_add(reader->people, rows, "id", "name", error);
}

static enum msp_result next_link(const struct autotask *reader, const json_t *answer,
                                 const char **out, struct msp_error *error);

static enum msp_result fetch_people(struct autotask *reader, int64_t deadline_ms,
                                    struct msp_error *error)
{
    const char *target = "/v1.0/Resources/query";
    json_t *before = NULL; /* holds the text of the target */
    enum msp_result result = MSP_OK;
    for (int page = 0; page < RESOURCE_PAGES && target != NULL && result == MSP_OK; page++) {
        struct msp_source_call call = {
            .method = "POST",
            .target = target,
            .body = "{\"filter\":[{\"op\":\"exist\",\"field\":\"id\"}],\"MaxRecords\":500,"
                    "\"IncludeFields\":[\"id\",\"firstName\",\"lastName\"]}",
            .is_question = true,
        };
        json_t *answer = NULL;
        json_t *rows = NULL;
        int status = 0;
        result = msp_source_fetch(reader->session, &call, deadline_ms, &answer, &status, error);
        if (result == MSP_OK) {
            result = msp_source_rows(reader->session, answer, "items", &rows, error);
        }
        if (result == MSP_OK) {
            result = add_people(reader, rows, error);
        }
        if (result == MSP_OK) {
            result = next_link(reader, answer, &target, error);
        }
        json_decref(before);
        before = answer;
    }
    json_decref(before);
    return result;
}

/* Once a reader, when the first tickets need them. Without the right to see people their numbers
 * stay. */
static enum msp_result learn_names(struct autotask *reader, int64_t deadline_ms,
                                   struct msp_error *error)
{
    if (reader->people != NULL) {
        return MSP_OK;
    }
    reader->people = json_object();
    bool has_memory = reader->people != NULL;
    for (size_t i = 0; i < PICKLISTS; i++) {
        reader->words[i] = json_object();
        has_memory = has_memory && reader->words[i] != NULL;
    }
    enum msp_result result =
        has_memory ? fetch_labels(reader, deadline_ms, error)
                   : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for names.");
    if (result == MSP_OK) {
        result = fetch_people(reader, deadline_ms, error);
        result = msp_source_is_refusal(result) ? MSP_OK : result;
    }
    if (result != MSP_OK) {
        forget_names(reader);
    }
    return result;
}

static enum msp_result name_row(const struct autotask *reader, json_t *row, struct msp_error *error)
{
    json_t *updated = json_object_get(row, reader->updated_field);
    enum msp_result result =
        updated != NULL && json_object_set(row, "updated", updated) != 0
            ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.")
            : msp_source_name(row, "assignedResourceID", reader->people, error);
    for (size_t i = 0; i < PICKLISTS && result == MSP_OK; i++) {
        result = msp_source_name(row, picklists[i], reader->words[i], error);
    }
    return result;
}

/* ---- pages ---- */

/* The address of the next page below the zone; *out NULL if there is none. */
static enum msp_result next_link(const struct autotask *reader, const json_t *answer,
                                 const char **out, struct msp_error *error)
{
    const json_t *link = json_object_get(json_object_get(answer, "pageDetails"), "nextPageUrl");
    const char *url = json_string_value(link);
    size_t zone = strlen(reader->zone.url);
    if (link == NULL || json_is_null(link)) {
        *out = NULL;
        return MSP_OK;
    }
    if (url == NULL || strncasecmp(url, reader->zone.url, zone) != 0 || url[zone] != '/') {
        return msp_fail(error, MSP_FORBIDDEN, "source_link_refused",
                        "The next page that Autotask named lies outside the zone that was asked, "
                        "so it was not called; check that no proxy changes its answers.");
    }
    *out = url + zone;
    return MSP_OK;
}

/* The same body goes with every page of a round. `behind_id` stands in for a link that is not
 * kept. */
static json_t *make_body(const struct autotask *reader, const struct msp_source_question *question,
                         int64_t behind_id)
{
    json_t *filter = json_array();
    json_t *fields = json_array();
    for (size_t i = 0; i < sizeof wanted_fields / sizeof wanted_fields[0]; i++) {
        if (i == 0 || !question->ids_only) {
            (void)json_array_append_new(fields, json_string(wanted_fields[i]));
        }
    }
    if (question->since_us != MSP_NO_TIME) {
        char since[MSP_TIMESTAMP_TEXT_BYTES];
        msp_timestamp_format(question->since_us, since);
        (void)json_array_append_new(filter, json_pack("{ssssss}", "op", "gte", "field",
                                                      reader->updated_field, "value", since));
    } else {
        (void)json_array_append_new(filter, json_pack("{ssss}", "op", "exist", "field", "id"));
    }
    if (behind_id >= 0) {
        (void)json_array_append_new(filter, json_pack("{sssssI}", "op", "gt", "field", "id",
                                                      "value", (json_int_t)behind_id));
    }
    int rows = question->max_rows < PAGE_ROWS ? question->max_rows : PAGE_ROWS;
    return json_pack("{sosiso}", "filter", filter, "MaxRecords", rows, "IncludeFields", fields);
}

static enum msp_result query(struct autotask *reader, const struct msp_source_question *question,
                             const char *link, int64_t behind_id, int64_t deadline_ms,
                             struct msp_source_answer *out, struct msp_error *error)
{
    struct msp_egress_field date = {.name = "Date"};
    json_t *body = make_body(reader, question, behind_id);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    int status = 0;
    enum msp_result result = MSP_OK;
    if (text == NULL) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask Autotask.");
    } else {
        struct msp_source_call call = {.method = "POST",
                                       .target = link[0] != '\0' ? link : QUERY_PATH,
                                       .body = text,
                                       .wanted = &date,
                                       .wanted_count = 1,
                                       .is_question = true};
        result =
            msp_source_fetch(reader->session, &call, deadline_ms, &out->document, &status, error);
    }
    (void)snprintf(out->date, sizeof out->date, "%.63s", date.value);
    free(text);
    json_decref(body);
    return result;
}

/* The last id read and the link, if it fits: links grow with the pages behind them. */
static void write_next(const json_t *rows, const char *link, const char *before,
                       struct msp_source_answer *out)
{
    int64_t last_id = before[0] != '\0' ? strtoll(before, NULL, 10) : -1;
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        int64_t id = msp_source_row_id(row, "id");
        last_id = id > last_id ? id : last_id;
    }
    int length = snprintf(out->next, sizeof out->next, "%" PRId64 "%s", last_id, link);
    if (length >= (int)sizeof out->next) {
        (void)snprintf(out->next, sizeof out->next, "%" PRId64, last_id);
    }
}

static enum msp_result read_answer(struct autotask *reader,
                                   const struct msp_source_question *question,
                                   struct msp_source_answer *out, struct msp_error *error)
{
    const char *link = NULL;
    enum msp_result result =
        msp_source_rows(reader->session, out->document, "items", &out->rows, error);
    if (result == MSP_OK) {
        result = next_link(reader, out->document, &link, error);
    }
    if (result == MSP_OK && link != NULL) {
        write_next(out->rows, link, question->page, out);
        if (strcmp(out->next, question->page) == 0) {
            result = msp_source_malformed(reader->session, "its next page does not lead on", error);
        }
    }
    return result;
}

static enum msp_result name_rows(struct autotask *reader, json_t *rows, int64_t deadline_ms,
                                 struct msp_error *error)
{
    size_t i;
    json_t *row;
    enum msp_result result =
        json_array_size(rows) > 0 ? learn_names(reader, deadline_ms, error) : MSP_OK;
    json_array_foreach(rows, i, row)
    {
        if (result == MSP_OK) {
            result = name_row(reader, row, error);
        }
    }
    return result;
}

static enum msp_result ask(struct msp_source_reader *base,
                           const struct msp_source_question *question, int64_t deadline_ms,
                           struct msp_source_answer *out, struct msp_error *error)
{
    struct autotask *reader = (struct autotask *)base;
    const char *link = strchr(question->page, '/');
    int64_t last_id = question->page[0] != '\0' ? strtoll(question->page, NULL, 10) : -1;
    enum msp_result result = sign_in(reader, deadline_ms, error);
    if (result != MSP_OK) {
        return result;
    }
    result = link != NULL ? query(reader, question, link, -1, deadline_ms, out, error)
                          : query(reader, question, "", last_id, deadline_ms, out, error);
    /* A link that was kept for too long; the ids say as much. */
    if (link != NULL && (result == MSP_INVALID || result == MSP_NOT_FOUND)) {
        result = query(reader, question, "", last_id, deadline_ms, out, error);
    }
    if (result == MSP_OK) {
        result = read_answer(reader, question, out, error);
    }
    if (result == MSP_OK && !question->ids_only) {
        result = name_rows(reader, out->rows, deadline_ms, error);
    }
    return result;
}

const struct msp_source msp_autotask_source = {
    .name = "autotask",
    .open = open_reader,
    .page = msp_source_round_page,
    .ids = msp_source_round_ids,
    .close = close_reader,
};
