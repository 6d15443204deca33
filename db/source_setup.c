/* Setting a source, as msp_admin: what is given is checked against its kind, the secrets are
 * sealed, and the line about it names them but never holds them. */
#include "msp/source_store.h"

#include "source_row.h"

#include "msp/egress_allow.h"
#include "msp/source_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_statement look_statement = {
    "source_look",
    "SELECT t.tenant_id, s.kind, s.settings, s.secret_names, s.secrets"
    "  FROM msp.tenants t LEFT JOIN msp.sources s ON s.tenant_id = t.tenant_id"
    " WHERE t.slug = $1::text FOR UPDATE OF t",
    true};
enum look_column { TENANT_ID, KIND, SETTINGS, SECRET_NAMES, SECRETS };

static const struct msp_statement put_statement = {
    "source_put",
    "INSERT INTO msp.sources (tenant_id, kind, settings, secret_names, secrets, updated_at, "
    "updated_by)"
    " VALUES ($1::bigint, $2::text, $3::text, $4::text, $5::bytea, now(), $6::text)"
    " ON CONFLICT (tenant_id) DO UPDATE SET kind = EXCLUDED.kind, settings = EXCLUDED.settings,"
    "   secret_names = EXCLUDED.secret_names, secrets = EXCLUDED.secrets,"
    "   updated_at = EXCLUDED.updated_at, updated_by = EXCLUDED.updated_by",
    false};

static const struct msp_statement choose_statement = {
    "source_choose", "UPDATE msp.tenants SET source = $2::text WHERE tenant_id = $1::bigint",
    false};

/* One change under way. */
struct change {
    struct msp_db *db;
    const struct msp_source_setup *setup;
    const struct msp_settings *settings;
    const struct msp_actor *actor;
    int64_t deadline_ms;
    const struct msp_source_kind *kind;
    PGresult *before; /* a row of look_statement */
    json_t *given;    /* options and secrets together */
    json_t *options, *secrets;
    struct msp_buffer sealed;
    char secret_names[512];
};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to set a ticket source.");
}

static enum msp_result find_kind(struct change *change, struct msp_error *error)
{
    change->kind = msp_source_kind_find(change->setup->kind);
    if (change->kind != NULL)
        return MSP_OK;
    struct msp_buffer names;
    msp_buffer_init(&names, 0);
    const struct msp_source_kind *kind = NULL;
    for (size_t i = 0; (kind = msp_source_kind_at(i)) != NULL; i++)
        msp_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", kind->name);
    enum msp_result result = msp_fail_at(error, MSP_INVALID, "source_kind_unknown", "/kind",
                                         "There is no kind of source \"%.40s\"; there are: %.*s.",
                                         change->setup->kind, (int)names.length, names.data);
    msp_buffer_done(&names);
    return result;
}

static enum msp_result look(struct change *change, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, change->setup->tenant);
    struct msp_call call = {&look_statement, &params, NULL};
    enum msp_result result = msp_db_run(change->db, &call, 1, change->deadline_ms, error);
    if (result != MSP_OK)
        return result;
    change->before = call.result;
    if (PQntuples(change->before) > 0)
        return MSP_OK;
    return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "There is no tenant \"%.80s\".",
                    change->setup->tenant);
}

/* ---- secrets that stay ---- */

/* Whether nothing that says where calls go, or as whom, differs from what is stored. */
static bool leads_to_the_same(const struct change *change, const json_t *stored)
{
    for (const struct msp_source_option *option = change->kind->options; option->name != NULL;
         option++) {
        bool steers = option->type == MSP_SOURCE_TEXT || option->type == MSP_SOURCE_URL;
        const json_t *now = json_object_get(change->setup->options, option->name);
        const json_t *then = json_object_get(stored, option->name);
        if (json_is_null(now))
            now = NULL;
        if (steers && !option->is_secret && now != then &&
            (now == NULL || then == NULL || !json_equal(now, then)))
            return false;
    }
    return true;
}

static enum msp_result secret_not_given(const char *name, struct msp_error *error)
{
    char pointer[96];
    (void)snprintf(pointer, sizeof pointer, "/secrets/%s", name);
    return msp_fail_at(
        error, MSP_INVALID, "secret_not_given", pointer,
        "The source is reached in another way than before, so the secret \"%s\" must "
        "be given again.",
        name);
}

/* Adds what was stored and not given. */
static enum msp_result add_stored(struct change *change, const json_t *stored, bool may_stay,
                                  struct msp_error *error)
{
    json_t *readable = (json_t *)(uintptr_t)stored; /* only read by the loop */
    const char *name;
    json_t *value;
    json_object_foreach(readable, name, value)
    {
        if (json_object_get(change->given, name) != NULL)
            continue; /* another one, or null: it shall go */
        if (!may_stay)
            return secret_not_given(name, error);
        if (json_object_set(change->given, name, value) != 0)
            return no_memory(error);
    }
    return MSP_OK;
}

static bool has_stored_secrets(const struct change *change)
{
    return !msp_result_is_null(change->before, 0, KIND) &&
           strcmp(msp_result_text(change->before, 0, KIND), change->kind->name) == 0 &&
           !msp_result_is_null(change->before, 0, SECRETS);
}

/* Whether every secret that is stored was given anew: then there is no need to open them. */
static bool replaces_all(const struct change *change)
{
    char names[512];
    char *rest = NULL;
    (void)snprintf(names, sizeof names, "%s", msp_result_text(change->before, 0, SECRET_NAMES));
    for (const char *name = strtok_r(names, " ", &rest); name != NULL;
         name = strtok_r(NULL, " ", &rest)) {
        if (json_object_get(change->given, name) == NULL)
            return false;
    }
    return true;
}

static enum msp_result keep_stored(struct change *change, struct msp_error *error)
{
    if (!has_stored_secrets(change) || replaces_all(change))
        return MSP_OK;
    const struct msp_secret_keys keys = msp_source_keys(change->settings);
    json_t *settings = NULL;
    json_t *secrets = NULL;
    enum msp_result result =
        msp_source_parse(PQgetvalue(change->before, 0, SETTINGS),
                         (size_t)PQgetlength(change->before, 0, SETTINGS), &settings, error);
    if (result == MSP_OK)
        result =
            msp_source_unseal(&keys, change->setup->tenant, change->kind->name,
                              PQgetvalue(change->before, 0, SECRETS),
                              (size_t)PQgetlength(change->before, 0, SECRETS), &secrets, error);
    if (result == MSP_OK)
        result = add_stored(change, secrets, leads_to_the_same(change, settings), error);
    json_decref(settings);
    json_decref(secrets);
    return result;
}

/* ---- what is given ---- */

static enum msp_result join_given(struct change *change, struct msp_error *error)
{
    json_t *secrets = (json_t *)(uintptr_t)change->setup->secrets; /* only read by the loop */
    const char *name;
    json_t *value;
    change->given = json_copy((json_t *)(uintptr_t)change->setup->options);
    if (change->given == NULL)
        return no_memory(error);
    json_object_foreach(secrets, name, value)
    {
        if (json_object_get(change->given, name) != NULL) {
            char pointer[96];
            (void)snprintf(pointer, sizeof pointer, "/secrets/%.80s", name);
            return msp_fail_at(error, MSP_INVALID, "given_twice", pointer,
                               "\"%.80s\" is given as an option and as a secret.", name);
        }
        if (json_object_set(change->given, name, value) != 0)
            return no_memory(error);
    }
    return MSP_OK;
}

static bool is_secret(const struct msp_source_kind *kind, const char *name)
{
    for (const struct msp_source_option *option = kind->options; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return option->is_secret;
    }
    return false;
}

/* The checks know one object; the caller gave two. */
static enum msp_result point_into_parts(const struct change *change, struct msp_error *error)
{
    char inner[sizeof error->pointer];
    memcpy(inner, error->pointer, sizeof inner);
    bool secret = inner[0] == '/' && (is_secret(change->kind, inner + 1) ||
                                      json_object_get(change->setup->secrets, inner + 1) != NULL);
    if (inner[0] == '/')
        (void)snprintf(error->pointer, sizeof error->pointer, "/%s%.160s",
                       secret ? "secrets" : "options", inner);
    return error->result;
}

static enum msp_result check_addresses(const struct change *change, struct msp_error *error)
{
    for (const struct msp_source_option *option = change->kind->options; option->name != NULL;
         option++) {
        const char *url = json_string_value(json_object_get(change->options, option->name));
        enum msp_egress_reach reach;
        struct msp_error fault;
        if (option->type != MSP_SOURCE_URL || url == NULL ||
            msp_egress_source_check(change->settings->egress_allow, url, &reach, &fault) == MSP_OK)
            continue;
        char pointer[96];
        (void)snprintf(pointer, sizeof pointer, "/%s", option->name);
        (void)msp_fail_at(error, fault.result, fault.code, pointer, "%s", fault.detail);
        return point_into_parts(change, error);
    }
    return MSP_OK;
}

static enum msp_result check(struct change *change, struct msp_error *error)
{
    if (msp_source_kind_check(change->kind, change->given, &change->options, &change->secrets,
                              error) != MSP_OK)
        return point_into_parts(change, error);
    return check_addresses(change, error);
}

static enum msp_result seal(struct change *change, struct msp_error *error)
{
    char place[MSP_SOURCE_PLACE_BYTES];
    const struct msp_secret_keys keys = msp_source_keys(change->settings);
    const char *name;
    json_t *value;
    size_t length = 0;
    json_object_foreach(change->secrets, name, value)
    {
        int more = snprintf(change->secret_names + length, sizeof change->secret_names - length,
                            "%s%s", length > 0 ? " " : "", name);
        length += more > 0 ? (size_t)more : 0;
    }
    if (length == 0)
        return MSP_OK;
    char *plain = json_dumps(change->secrets, JSON_COMPACT);
    if (plain == NULL)
        return no_memory(error);
    msp_source_place(change->setup->tenant, change->kind->name, place);
    enum msp_result result =
        msp_secret_seal(&keys, place, plain, strlen(plain), &change->sealed, error);
    explicit_bzero(plain, strlen(plain));
    free(plain);
    return result;
}

/* ---- writing ---- */

static enum msp_result put(const struct change *change, const char *options,
                           struct msp_error *error)
{
    struct msp_params row;
    struct msp_params choice;
    msp_params_init(&row);
    msp_params_int(&row, msp_result_int(change->before, 0, TENANT_ID));
    msp_params_text(&row, change->kind->name);
    msp_params_text(&row, options);
    msp_params_text(&row, change->secret_names);
    if (change->sealed.length > 0)
        msp_params_binary(&row, change->sealed.data, change->sealed.length);
    else
        msp_params_null(&row);
    msp_params_text(&row, change->actor->name);
    msp_params_init(&choice);
    msp_params_int(&choice, msp_result_int(change->before, 0, TENANT_ID));
    msp_params_text(&choice, change->kind->name);
    struct msp_call calls[] = {{&put_statement, &row, NULL}, {&choose_statement, &choice, NULL}};
    enum msp_result result = msp_db_run(change->db, calls, 2, change->deadline_ms, error);
    msp_calls_clear(calls, 2);
    return result;
}

static void write_state(struct msp_json_writer *json, const char *name, const char *kind,
                        const char *options, const char *secret_names)
{
    msp_json_key(json, name);
    if (kind == NULL) {
        msp_json_null(json);
        return;
    }
    msp_json_begin_object(json);
    msp_json_key_string(json, "kind", kind);
    msp_json_key(json, "options");
    msp_json_raw(json, options);
    msp_json_key_string(json, "secrets", secret_names);
    msp_json_end_object(json);
}

static enum msp_result conclude(const struct change *change, const char *options,
                                struct msp_error *error)
{
    bool was_set = !msp_result_is_null(change->before, 0, KIND);
    struct msp_buffer detail;
    struct msp_json_writer json;
    msp_buffer_init(&detail, 0);
    msp_json_writer_init(&json, &detail);
    msp_json_begin_object(&json);
    write_state(&json, "before", was_set ? msp_result_text(change->before, 0, KIND) : NULL,
                msp_result_text(change->before, 0, SETTINGS),
                msp_result_text(change->before, 0, SECRET_NAMES));
    write_state(&json, "after", change->kind->name, options, change->secret_names);
    msp_json_end_object(&json);
    msp_buffer_append(&detail, "", 1);
    if (detail.failed) {
        msp_buffer_done(&detail);
        return no_memory(error);
    }
    const struct msp_audit_line line = {msp_result_int(change->before, 0, TENANT_ID), "source.set",
                                        change->setup->tenant, detail.data};
    enum msp_result result =
        msp_audit_commit(change->db, change->actor, &line, change->deadline_ms, error);
    msp_buffer_done(&detail);
    return result;
}

static enum msp_result write(struct change *change, struct msp_error *error)
{
    char *options = json_dumps(change->options, JSON_COMPACT | JSON_SORT_KEYS);
    if (options == NULL)
        return no_memory(error);
    enum msp_result result = put(change, options, error);
    if (result == MSP_OK)
        result = conclude(change, options, error);
    free(options);
    return result;
}

/* Inside an open transaction. */
static enum msp_result make(struct change *change, struct msp_error *error)
{
    static enum msp_result (*const steps[])(struct change *, struct msp_error *) = {
        look, join_given, keep_stored, check, seal, write};
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && result == MSP_OK; i++)
        result = steps[i](change, error);
    if (result != MSP_OK)
        msp_db_rollback(change->db);
    return result;
}

enum msp_result msp_source_store_set(struct msp_db *db, const struct msp_source_setup *setup,
                                     const struct msp_settings *settings,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct change change = {
        .db = db, .setup = setup, .settings = settings, .actor = actor, .deadline_ms = deadline_ms};
    const char *replayed = NULL;
    enum msp_result result = find_kind(&change, error);
    if (result == MSP_OK)
        result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result != MSP_OK || replayed != NULL)
        return result;
    msp_buffer_init(&change.sealed, 0);
    result = make(&change, error);
    PQclear(change.before);
    json_decref(change.given);
    json_decref(change.options);
    json_decref(change.secrets);
    msp_buffer_done(&change.sealed);
    return result;
}
