/* msp-analytics source …: where tickets are pulled from. Secrets are asked for on the terminal, or
 * read from standard input or files; never taken from a command line, which everybody can read. */
#include "admin_database.h"
#include "command_source_inputs.h"
#include "job_follow.h"

#include "msp/clock.h"
#include "msp/no_value.h"
#include "msp/source_kinds.h"
#include "msp/source_store.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

/* What a list asks for at a time. */
#define PAGE 500

static int failed(const struct msp_invocation *invocation, const struct msp_error *error)
{
    msp_invocation_complain(invocation, "%s", error->detail);
    return MSP_COMMAND_FAILED;
}

static int out_of_memory(const struct msp_invocation *invocation)
{
    msp_invocation_complain(invocation, "out of memory");
    return MSP_COMMAND_FAILED;
}

/* ---- setting ---- */

int msp_command_source_set(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_source_inputs inputs;
    const int taken = msp_source_inputs_take(invocation, &inputs);
    if (taken != MSP_COMMAND_DONE)
        return taken;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE) {
        msp_source_inputs_done(&inputs);
        return opened;
    }
    const struct msp_source_setup setup = {
        .tenant = invocation->argument,
        .kind = inputs.kind->name,
        .options = inputs.options,
        .secrets = inputs.secrets,
    };
    enum msp_result result = msp_source_store_set(db, &setup, &settings, msp_admin_actor(&settings),
                                                  msp_admin_deadline_ms(), &error);
    msp_db_free(db);
    msp_source_inputs_done(&inputs);
    if (result != MSP_OK)
        return failed(invocation, &error);
    (void)printf("tenant %s is pulled from %s; msp-analytics source test %s tries it\n",
                 invocation->argument, setup.kind, invocation->argument);
    return MSP_COMMAND_DONE;
}

int msp_command_source_test(const struct msp_invocation *invocation)
{
    const struct msp_job_order order = {
        .tenant = invocation->argument,
        .request = {.kind = "source_test",
                    .lane = MSP_LANE_SHORT,
                    .parameters = "{}",
                    .merges = true,
                    .by_person = true},
        .sentence = "summary",
    };
    return msp_job_start(invocation, &order);
}

int msp_command_source_sweep(const struct msp_invocation *invocation)
{
    const bool force = msp_invocation_option(invocation, "force") != NULL;
    const struct msp_job_order order = {
        .tenant = invocation->argument,
        .request = {.kind = "sweep",
                    .lane = MSP_LANE_LONG,
                    .parameters = force ? "{\"force\":true}" : "{}",
                    .merges = true,
                    .by_person = true},
    };
    return msp_job_start(invocation, &order);
}

int msp_command_source_reseal(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    int count = 0;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    enum msp_result result = msp_source_store_reseal(db, &settings, msp_admin_actor(&settings),
                                                     msp_admin_deadline_ms(), &count, &error);
    msp_db_free(db);
    if (result != MSP_OK)
        return failed(invocation, &error);
    (void)printf("%d sources sealed under SECRET_KEY; SECRET_KEY_PREVIOUS can be left out\n",
                 count);
    return MSP_COMMAND_DONE;
}

/* ---- showing ---- */

static const char *time_text(int64_t unix_us, char text[MSP_TIMESTAMP_TEXT_BYTES])
{
    if (unix_us == MSP_NO_TIME)
        return "never";
    msp_timestamp_format(unix_us / 1000000 * 1000000, text);
    return text;
}

static void print_one(const struct msp_source_info *info)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    (void)printf("%-14s %s\n%-14s %s\n%-14s %s\n", "tenant", info->tenant, "kind", info->kind,
                 "options", info->options != NULL ? info->options : "(not set)");
    (void)printf("%-14s %s\n", "secrets set",
                 info->secret_names != NULL && info->secret_names[0] != '\0' ? info->secret_names
                                                                             : "(none)");
    if (info->updated_by != NULL)
        (void)printf("%-14s %s by %s\n", "set", time_text(info->updated_us, text),
                     info->updated_by);
    (void)printf("%-14s %s\n", "complete until", time_text(info->drained_us, text));
    if (info->failed_us != MSP_NO_TIME)
        (void)printf("%-14s %s: %s\n", "last error", time_text(info->failed_us, text),
                     info->failure);
}

static void print_line(const struct msp_source_info *info)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    (void)printf("%-24s %-14s %-21s %s\n", info->tenant, info->kind,
                 time_text(info->drained_us, text), info->failure != NULL ? info->failure : "");
}

static void print_json(struct msp_buffer *text)
{
    if (!text->failed)
        (void)printf("%.*s\n", (int)text->length, text->data);
    msp_buffer_done(text);
}

int msp_command_source_show(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error = {.detail = "out of memory"};
    struct msp_source_info info;
    struct msp_buffer text;
    struct msp_json_writer json;
    struct msp_arena *arena = msp_arena_new(16384);
    if (arena == NULL)
        return out_of_memory(invocation);
    int code = msp_admin_database_open(invocation, &settings, &db);
    if (code == MSP_COMMAND_DONE &&
        msp_source_store_find(db, invocation->argument, arena, msp_admin_deadline_ms(), &info,
                              &error) != MSP_OK)
        code = failed(invocation, &error);
    msp_db_free(db);
    if (code == MSP_COMMAND_DONE && !invocation->json)
        print_one(&info);
    if (code == MSP_COMMAND_DONE && invocation->json) {
        msp_buffer_init(&text, 0);
        msp_json_writer_init(&json, &text);
        msp_json_begin_object(&json);
        msp_json_key(&json, "source");
        msp_source_info_write(&json, &info, msp_clock_unix_us());
        msp_json_end_object(&json);
        print_json(&text);
    }
    msp_arena_free(arena);
    return code;
}

/* Page by page; each source is printed or, for JSON, written into `json`. */
static enum msp_result list_all(const struct msp_invocation *invocation, struct msp_db *db,
                                struct msp_arena *arena, struct msp_json_writer *json,
                                struct msp_error *error)
{
    char after[MSP_TENANT_SLUG_BYTES] = "";
    size_t count = PAGE;
    while (count == PAGE) {
        struct msp_source_info *sources = NULL;
        msp_arena_reset(arena);
        enum msp_result result = msp_source_store_list(
            db, NULL, after, PAGE, arena, msp_admin_deadline_ms(), &sources, &count, error);
        if (result != MSP_OK)
            return result;
        for (size_t i = 0; i < count; i++) {
            if (invocation->json)
                msp_source_info_write(json, &sources[i], msp_clock_unix_us());
            else
                print_line(&sources[i]);
        }
        if (count > 0)
            (void)snprintf(after, sizeof after, "%s", sources[count - 1].tenant);
    }
    return MSP_OK;
}

int msp_command_source_list(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_buffer text;
    struct msp_json_writer json;
    struct msp_arena *arena = msp_arena_new(65536);
    if (arena == NULL)
        return out_of_memory(invocation);
    int code = msp_admin_database_open(invocation, &settings, &db);
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key(&json, "sources");
    msp_json_begin_array(&json);
    if (code == MSP_COMMAND_DONE && !invocation->json)
        (void)printf("%-24s %-14s %-21s %s\n", "tenant", "kind", "complete until", "last error");
    if (code == MSP_COMMAND_DONE && list_all(invocation, db, arena, &json, &error) != MSP_OK)
        code = failed(invocation, &error);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    msp_db_free(db);
    msp_arena_free(arena);
    if (code == MSP_COMMAND_DONE && invocation->json)
        print_json(&text);
    else
        msp_buffer_done(&text);
    return code;
}

/* ---- the kinds there are ---- */

static void print_options(const struct msp_source_option *option)
{
    for (; option->name != NULL; option++)
        (void)printf("  %-20s %s%s%s%s%s\n", option->name, option->help,
                     option->is_secret ? " (secret)" : "", option->is_required ? " (required)" : "",
                     option->fallback != NULL ? "; without it: " : "",
                     option->fallback != NULL ? option->fallback : "");
}

int msp_command_source_kinds(const struct msp_invocation *invocation)
{
    const char *wanted = msp_invocation_option(invocation, "kind");
    const struct msp_source_kind *kind = NULL;
    size_t shown = 0;
    if (msp_invocation_option(invocation, "markdown") != NULL) {
        struct msp_buffer page;
        msp_buffer_init(&page, 0);
        msp_source_kinds_markdown(&page);
        if (page.failed)
            return out_of_memory(invocation);
        (void)printf("%.*s", (int)page.length, page.data);
        msp_buffer_done(&page);
        return MSP_COMMAND_DONE;
    }
    for (size_t i = 0; (kind = msp_source_kind_at(i)) != NULL; i++) {
        if (wanted != NULL && strcmp(wanted, kind->name) != 0)
            continue;
        (void)printf("%s: %s\n", kind->name, kind->title);
        print_options(kind->options);
        shown++;
    }
    if (shown == 0)
        return msp_invocation_misused(invocation, "there is no kind \"%s\"", wanted);
    (void)printf("all but mock:\n");
    print_options(msp_source_common_options);
    return MSP_COMMAND_DONE;
}
