/* msp-analytics audit …: who did what; whether the log still says what was written; and blanking a
 * line. */
#include "admin_database.h"

#include "msp/audit_log.h"
#include "msp/json_writer.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_A_DAY INT64_C(86400000000)

/* A page of 500 lines of 8 KiB on a busy machine. */
#define PAGE_MS 30000

static void print_json(struct msp_buffer *text)
{
    if (!text->failed)
        (void)printf("%.*s\n", (int)text->length, text->data);
    msp_buffer_done(text);
}

static int conclude(const struct msp_invocation *invocation, enum msp_result result,
                    const struct msp_error *error)
{
    if (result == MSP_OK)
        return MSP_COMMAND_DONE;
    msp_invocation_complain(invocation, "%s", error->detail);
    return MSP_COMMAND_FAILED;
}

/* ---- list ---- */

static int64_t day_start_us(const struct msp_invocation *invocation, const char *name, int add_days)
{
    const char *text = msp_invocation_option(invocation, name);
    int32_t day = 0;
    if (text == NULL || !msp_day_parse(text, strlen(text), &day))
        return MSP_NO_TIME;
    return ((int64_t)day + add_days) * US_A_DAY;
}

static const char *shown(const char *text)
{
    return text != NULL ? text : "-";
}

/* Names and objects may hold any character: what could move a terminal's cursor stays out. */
static void print_text(const char *text, int width)
{
    int printed = 0;
    for (; *text != '\0'; text++, printed++)
        (void)putchar((unsigned char)*text < ' ' || *text == 127 ? '?' : *text);
    (void)printf("%*s ", printed < width ? width - printed : 0, "");
}

static void print_row(const struct msp_audit_row *row)
{
    char at[MSP_TIMESTAMP_TEXT_BYTES];
    msp_timestamp_format(row->at_us / 1000000 * 1000000, at);
    (void)printf("%-8" PRId64 " %-20s ", row->id, at);
    print_text(shown(row->tenant), 20);
    print_text(row->action, 18);
    print_text(row->erased ? "(erased)" : shown(row->actor), 28);
    print_text(shown(row->address), 15);
    print_text(shown(row->object), 0);
    (void)putchar('\n');
}

static void print_rows(const struct msp_audit_row *rows, size_t count, bool as_json)
{
    struct msp_buffer text;
    struct msp_json_writer json;
    if (!as_json) {
        (void)printf("%-8s %-20s %-20s %-18s %-28s %-15s %s\n", "id", "at", "tenant", "action",
                     "actor", "address", "object");
        for (size_t i = 0; i < count; i++)
            print_row(&rows[i]);
        return;
    }
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key(&json, "lines");
    msp_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        msp_audit_row_write(&json, &rows[i]);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    print_json(&text);
}

static enum msp_result list(const struct msp_invocation *invocation, struct msp_db *db, long limit,
                            struct msp_arena *arena, struct msp_error *error)
{
    const char *tenant = msp_invocation_option(invocation, "tenant");
    struct msp_audit_filter filter = {
        .from_us = day_start_us(invocation, "from", 0),
        .before_us = day_start_us(invocation, "to", 1),
        .action = msp_invocation_option(invocation, "action"),
        .actor = msp_invocation_option(invocation, "actor"),
        .limit = (int)limit,
    };
    struct msp_audit_row *rows = NULL;
    size_t count = 0;
    enum msp_result result = MSP_OK;
    if (tenant != NULL)
        result = msp_admin_tenant_id(db, tenant, &filter.tenant_id, error);
    if (result == MSP_OK)
        result = msp_audit_list(db, &filter, arena, msp_admin_deadline_ms(), &rows, &count, error);
    if (result == MSP_OK)
        print_rows(rows, count, invocation->json);
    return result;
}

int msp_command_audit_list(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error = {.detail = "out of memory"};
    long limit = 0;
    if (!msp_invocation_number(invocation, "limit", 1, 1000, 50, &limit) ||
        !msp_invocation_day_is_fine(invocation, "from") ||
        !msp_invocation_day_is_fine(invocation, "to"))
        return MSP_COMMAND_WRONG;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_arena *arena = msp_arena_new(65536);
    const enum msp_result result =
        arena != NULL ? list(invocation, db, limit, arena, &error) : MSP_NO_MEMORY;
    msp_arena_free(arena);
    msp_db_free(db);
    return conclude(invocation, result, &error);
}

/* ---- verify ---- */

struct report {
    const struct msp_invocation *invocation;
    struct msp_json_writer json;
    int broken;
};

static const char *chain_name(const struct msp_audit_verdict *verdict)
{
    return verdict->tenant[0] != '\0' ? verdict->tenant : "(of no tenant)";
}

static void write_verdict(struct msp_json_writer *json, const struct msp_audit_verdict *verdict)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "tenant", verdict->tenant[0] != '\0' ? verdict->tenant : NULL);
    msp_json_key_bool(json, "whole", !verdict->broken);
    msp_json_key_int(json, "lines", verdict->lines);
    msp_json_key_int(json, "erased", verdict->erased);
    msp_json_key_int(json, "by_database_key", verdict->by_database_key);
    msp_json_key_int(json, "older_than_the_chain", verdict->older);
    msp_json_key_string(json, "head", verdict->head);
    msp_json_key(json, "first_broken");
    if (verdict->broken) {
        msp_json_begin_object(json);
        msp_json_key_int(json, "place", verdict->broken_place);
        msp_json_key(json, "id");
        if (verdict->broken_id != 0)
            msp_json_int(json, verdict->broken_id);
        else
            msp_json_null(json);
        msp_json_key_string(json, "fault", verdict->fault);
        msp_json_end_object(json);
    } else {
        msp_json_null(json);
    }
    msp_json_end_object(json);
}

static void print_verdict(const struct msp_audit_verdict *verdict)
{
    if (!verdict->broken) {
        (void)printf("%s: whole, %" PRId64 " lines, %" PRId64 " erased, head %s\n",
                     chain_name(verdict), verdict->lines, verdict->erased, verdict->head);
    } else if (verdict->broken_id != 0) {
        (void)printf("%s: broken at line %" PRId64 " (place %" PRId64 "): %s\n",
                     chain_name(verdict), verdict->broken_id, verdict->broken_place,
                     verdict->fault);
    } else {
        (void)printf("%s: broken at place %" PRId64 ": %s\n", chain_name(verdict),
                     verdict->broken_place, verdict->fault);
    }
    if (verdict->by_database_key > 0)
        (void)printf("  %" PRId64 " lines are keyed by the database's own key: whoever owns the "
                     "database could have made them\n",
                     verdict->by_database_key);
    if (verdict->older > 0)
        (void)printf("  %" PRId64 " lines are older than the chain\n", verdict->older);
}

static void hear(void *context, const struct msp_audit_verdict *verdict)
{
    struct report *report = context;
    report->broken += verdict->broken;
    if (report->invocation->json)
        write_verdict(&report->json, verdict);
    else
        print_verdict(verdict);
}

/* A chain that does not hold ends with MSP_COMMAND_FAILED, like a check that could not be made. */
int msp_command_audit_verify(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_buffer text;
    struct msp_audit_keys keys;
    struct report report = {.invocation = invocation};
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&report.json, &text);
    msp_json_begin_object(&report.json);
    msp_json_key(&report.json, "chains");
    msp_json_begin_array(&report.json);
    msp_audit_keys_read(settings.audit_secret, settings.audit_secret_previous, &keys);
    const enum msp_result result = msp_audit_verify(
        db, &keys, msp_invocation_option(invocation, "tenant"), PAGE_MS, hear, &report, &error);
    msp_db_free(db);
    msp_json_end_array(&report.json);
    msp_json_end_object(&report.json);
    if (invocation->json && result == MSP_OK)
        print_json(&text);
    else
        msp_buffer_done(&text);
    const int code = conclude(invocation, result, &error);
    return code == MSP_COMMAND_DONE && report.broken > 0 ? MSP_COMMAND_FAILED : code;
}

/* ---- erase ---- */

static bool read_id(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *out >= 1;
}

int msp_command_audit_erase(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    int64_t id = 0;
    if (!read_id(invocation->argument, &id))
        return msp_invocation_misused(invocation, "ID is a line's number, as audit list shows it");
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    const enum msp_result result =
        msp_audit_erase(db, id, msp_admin_actor(&settings), msp_admin_deadline_ms(), &error);
    msp_db_free(db);
    if (result == MSP_OK)
        (void)printf("line %" PRId64 " is blank; a line of its own tells that it was erased\n", id);
    return conclude(invocation, result, &error);
}
