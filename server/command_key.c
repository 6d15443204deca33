/* msp-analytics key …: API keys of tenants' programs. A key's text is printed once and stored
 * nowhere. */
#include "admin_database.h"

#include "msp/clock.h"
#include "msp/credential_json.h"
#include "msp/json_writer.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a list asks for at a time. */
#define PAGE 500

#define US_A_DAY INT64_C(86400000000)

static int failed(const struct msp_invocation *invocation, const struct msp_error *error)
{
    msp_invocation_complain(invocation, "%s", error->detail);
    return MSP_COMMAND_FAILED;
}

/* A day means its end in UTC: the key is good through it. False after a complaint. */
static bool take_expiry(const struct msp_invocation *invocation, int64_t *out_us)
{
    const char *text = msp_invocation_option(invocation, "expires");
    int32_t day = 0;
    *out_us = MSP_NO_TIME;
    if (text == NULL || msp_timestamp_parse(text, strlen(text), out_us))
        return true;
    if (!msp_day_parse(text, strlen(text), &day)) {
        (void)msp_invocation_misused(
            invocation, "--expires is a day as YYYY-MM-DD or a time as 2027-01-31T12:00:00Z");
        return false;
    }
    *out_us = ((int64_t)day + 1) * US_A_DAY;
    return true;
}

static void print_time(const char *otherwise, int64_t unix_us)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    if (unix_us == MSP_NO_TIME) {
        (void)printf(" %-20s", otherwise);
        return;
    }
    msp_timestamp_format(unix_us / 1000000 * 1000000, text);
    (void)printf(" %-20s", text);
}

static void print_json(struct msp_buffer *text)
{
    if (!text->failed)
        (void)printf("%.*s\n", (int)text->length, text->data);
    msp_buffer_done(text);
}

/* The key alone, so that a script can take it as it comes. */
static void print_made(const struct msp_invocation *invocation, const struct msp_key_order *order,
                       const struct msp_api_key *key)
{
    struct msp_buffer text;
    struct msp_json_writer json;
    if (!invocation->json) {
        (void)printf("%s\n", key->text);
        return;
    }
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "id", key->id);
    msp_json_key_string(&json, "key", key->text);
    msp_json_key_string(&json, "tenant", order->tenant);
    msp_json_key_string(&json, "role", msp_role_name(order->role));
    msp_json_key_string(&json, "name", order->name);
    msp_json_key_time(&json, "expires_at", order->expires_us);
    msp_json_end_object(&json);
    print_json(&text);
}

int msp_command_key_create(const struct msp_invocation *invocation)
{
    struct msp_key_order order = {
        .tenant = msp_invocation_option(invocation, "tenant"),
        .name = msp_invocation_option(invocation, "name"),
        .role = msp_role_parse(msp_invocation_option(invocation, "role")),
    };
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_api_key key;
    struct msp_error error;
    if (order.role == MSP_ROLE_NONE || order.role == MSP_ROLE_ADMIN)
        return msp_invocation_misused(invocation, "--role is manager, tech or client");
    if (!take_expiry(invocation, &order.expires_us))
        return MSP_COMMAND_WRONG;
    int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    enum msp_result result = msp_key_store_create(db, &order, msp_admin_actor(&settings),
                                                  msp_admin_deadline_ms(), &key, &error);
    msp_db_free(db);
    if (result != MSP_OK)
        return failed(invocation, &error);
    print_made(invocation, &order, &key);
    return MSP_COMMAND_DONE;
}

static void print_key(const struct msp_key_info *key)
{
    (void)printf("%-16s %-24s %-8s %-8s", key->id, key->tenant, msp_role_name(key->role),
                 msp_key_status(key));
    print_time("never", key->expires_us);
    print_time("never", key->last_used_us);
    (void)printf(" %s\n", key->name);
}

/* Page by page; each key is printed or, for JSON, written into `json`. */
static enum msp_result list_all(const struct msp_invocation *invocation, struct msp_db *db,
                                struct msp_json_writer *json, struct msp_error *error)
{
    char after[MSP_API_KEY_ID_BYTES] = "";
    size_t count = PAGE;
    while (count == PAGE) {
        struct msp_key_info *keys = NULL;
        enum msp_result result =
            msp_key_store_list(db, msp_invocation_option(invocation, "tenant"), after, PAGE,
                               msp_admin_deadline_ms(), &keys, &count, error);
        if (result != MSP_OK)
            return result;
        for (size_t i = 0; i < count; i++) {
            if (invocation->json)
                msp_key_write(json, &keys[i]);
            else
                print_key(&keys[i]);
        }
        if (count > 0)
            memcpy(after, keys[count - 1].id, sizeof(after));
        free(keys);
    }
    return MSP_OK;
}

int msp_command_key_list(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_buffer text;
    struct msp_json_writer json;
    int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key(&json, "keys");
    msp_json_begin_array(&json);
    if (!invocation->json)
        (void)printf("%-16s %-24s %-8s %-8s %-20s %-20s %s\n", "id", "tenant", "role", "state",
                     "expires", "last used", "name");
    enum msp_result result = list_all(invocation, db, &json, &error);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    msp_db_free(db);
    if (result == MSP_OK && invocation->json)
        print_json(&text);
    else
        msp_buffer_done(&text);
    return result == MSP_OK ? MSP_COMMAND_DONE : failed(invocation, &error);
}

int msp_command_key_revoke(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_key_info key;
    struct msp_error error;
    int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    enum msp_result result =
        msp_key_store_revoke(db, invocation->argument, msp_admin_actor(&settings),
                             msp_admin_deadline_ms(), &key, &error);
    msp_db_free(db);
    if (result != MSP_OK)
        return failed(invocation, &error);
    (void)printf("key %s (%s of %s) revoked\n", key.id, key.name, key.tenant);
    return MSP_COMMAND_DONE;
}
