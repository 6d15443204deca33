/* The sources furthest behind, from the database. What it does not tell at once is left out, for
 * status must answer when nobody else does. */
#include "status_sources.h"

#include "msp/clock.h"
#include "msp/no_value.h"
#include "msp/settings.h"
#include "msp/source_store.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS   1000
#define MOST_SHOWN  10
#define MOST_IN_ALL 1000

/* Worst first. Texts live in the arena. */
struct worst {
    struct msp_arena *arena;
    struct msp_source_info *sources;
    size_t count;
    bool has_more;
};

static enum msp_result ask(const char *url, int most, struct worst *out, struct msp_error *error)
{
    const struct msp_db_options options = {
        .url = url,
        .role = "msp_api",
        .application_name = "msp-analytics status",
        .statement_timeout_ms = ANSWER_MS,
    };
    struct msp_db *db = msp_db_new(&options);
    if (db == NULL || out->arena == NULL) {
        msp_db_free(db);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory.");
    }
    enum msp_result result =
        msp_source_store_behind(db, most + 1, out->arena, msp_clock_monotonic_ms() + ANSWER_MS,
                                &out->sources, &out->count, error);
    msp_db_free(db);
    if (result == MSP_OK && out->count > (size_t)most) {
        out->count = (size_t)most;
        out->has_more = true;
    }
    return result;
}

/* The caller frees the arena, in any case. */
static enum msp_result find_worst(const struct msp_invocation *invocation, int most,
                                  struct worst *out, struct msp_error *error)
{
    static const char *const needs[] = {"DATABASE_URL", NULL};
    struct msp_settings_sources sources;
    struct msp_settings *settings = calloc(1, sizeof *settings);
    *out = (struct worst){.arena = msp_arena_new(16384)};
    msp_invocation_sources(invocation, &sources);
    enum msp_result result =
        settings != NULL && msp_settings_load(&sources, needs, NULL, NULL, settings) == MSP_OK
            ? ask(settings->database_url, most, out, error)
            : msp_fail(error, MSP_INVALID, "settings_wrong",
                       "The settings do not lead to the database; msp-analytics check-config says "
                       "more.");
    free(settings);
    return result;
}

static void print_one(const struct msp_source_info *info, int64_t now_us)
{
    char until[MSP_TIMESTAMP_TEXT_BYTES] = "never";
    char lag[24] = "-";
    if (info->drained_us != MSP_NO_TIME) {
        msp_timestamp_format(info->drained_us / 1000000 * 1000000, until);
        (void)snprintf(lag, sizeof lag, "%llds",
                       (long long)msp_source_info_lag_seconds(info, now_us));
    }
    (void)printf("%-24s %-14s %-21s %10s %s\n", info->tenant, info->kind, until, lag,
                 info->failure != NULL ? info->failure : "");
}

void msp_status_sources_print(const struct msp_invocation *invocation)
{
    struct worst worst;
    struct msp_error error;
    if (find_worst(invocation, MOST_SHOWN, &worst, &error) != MSP_OK) {
        (void)printf("\n%-12s not known: %s\n", "sources", error.detail);
    } else if (worst.count > 0) {
        (void)printf("\n%-24s %-14s %-21s %10s %s\n", "source of", "kind", "complete until", "lag",
                     "last error");
        for (size_t i = 0; i < worst.count; i++)
            print_one(&worst.sources[i], msp_clock_unix_us());
        if (worst.has_more)
            (void)printf("These are the %d furthest behind; msp-analytics source list shows all.\n",
                         MOST_SHOWN);
    }
    msp_arena_free(worst.arena);
}

void msp_status_sources_write(const struct msp_invocation *invocation,
                              struct msp_json_writer *writer)
{
    struct worst worst;
    struct msp_error error;
    const bool known = find_worst(invocation, MOST_IN_ALL, &worst, &error) == MSP_OK;
    msp_json_key(writer, "sources");
    if (known) {
        msp_json_begin_array(writer);
        for (size_t i = 0; i < worst.count; i++) {
            msp_json_begin_object(writer);
            msp_json_key_string(writer, "tenant", worst.sources[i].tenant);
            msp_json_key_string(writer, "kind", worst.sources[i].kind);
            msp_source_info_write_freshness(writer, &worst.sources[i], msp_clock_unix_us());
            msp_json_end_object(writer);
        }
        msp_json_end_array(writer);
    } else {
        msp_json_null(writer);
    }
    msp_json_key_bool(writer, "sources_has_more", known && worst.has_more);
    msp_arena_free(worst.arena);
}
