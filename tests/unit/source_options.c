/* What a person gives to connect a source: taken, parted from its secrets, or refused with a
 * pointer. */
#include "msp/source_kinds.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_error error;
static json_t *settings, *secrets;

static enum msp_result check(const char *kind, const char *given)
{
    json_t *options = json_loads(given, 0, NULL);
    cr_assert(options != NULL, "%s", given);
    settings = NULL;
    secrets = NULL;
    enum msp_result result =
        msp_source_kind_check(msp_source_kind_find(kind), options, &settings, &secrets, &error);
    json_decref(options);
    return result;
}

static void done(void)
{
    json_decref(settings);
    json_decref(secrets);
}

static void refuses(const char *kind, const char *given, const char *pointer)
{
    cr_assert_eq(check(kind, given), MSP_INVALID, "%s", given);
    cr_assert_str_eq(error.pointer, pointer, "%s: %s", given, error.pointer);
    cr_assert_null(settings);
}

Test(source_options, names_every_kind_once_with_sound_rows)
{
    const struct msp_source_kind *kind;
    size_t count = 0;
    for (; (kind = msp_source_kind_at(count)) != NULL; count++) {
        cr_assert_eq(msp_source_kind_find(kind->name), kind);
        for (const struct msp_source_option *option = kind->options; option->name; option++) {
            cr_assert(option->help != NULL && option->help[0] != '\0', "%s", option->name);
            cr_assert(!option->is_secret || option->type == MSP_SOURCE_TEXT, "%s", option->name);
            cr_assert(!option->is_required || option->fallback == NULL, "%s", option->name);
            for (const struct msp_source_option *other = msp_source_common_options; other->name;
                 other++) {
                cr_assert_str_neq(option->name, other->name);
            }
        }
    }
    cr_assert_eq(count, 10);
    cr_assert_null(msp_source_kind_find("oracle"));
}

Test(source_options, parts_secrets_from_settings)
{
    cr_assert_eq(check("zammad", "{\"url\":\"https://desk.example.com\",\"token\":\"s3cret\","
                                 "\"requests_per_minute\":30,\"overlap_seconds\":null}"),
                 MSP_OK);
    cr_assert_eq(json_object_size(settings), 2);
    cr_assert_eq(json_object_size(secrets), 1);
    cr_assert_str_eq(json_string_value(json_object_get(secrets, "token")), "s3cret");
    cr_assert_null(json_object_get(settings, "token"));
    done();
}

Test(source_options, refuses_what_is_missing_unknown_or_wrong_and_says_where)
{
    refuses("zammad", "{\"token\":\"x\"}", "/url");
    refuses("zammad", "{\"url\":\"https://a.example\"}", "/token");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":null}", "/token");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"x\",\"colour\":1}", "/colour");
    refuses("zammad", "{\"url\":7,\"token\":\"x\"}", "/url");
    refuses("zammad", "{\"url\":\"ftp://a.example\",\"token\":\"x\"}", "/url");
    refuses("zammad", "{\"url\":\"https://a.example/?q=1\",\"token\":\"x\"}", "/url");
    refuses("zammad", "{\"url\":\"https://me:pw@a.example\",\"token\":\"x\"}", "/url");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"\"}", "/token");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"a\\r\\nb\"}", "/token");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"x\",\"overlap_seconds\":-1}",
            "/overlap_seconds");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"x\",\"overlap_seconds\":\"5\"}",
            "/overlap_seconds");
    refuses("json", "{\"url\":\"https://a.example\",\"list\":\"/t\",\"fields\":\"id\"}", "/fields");
    refuses("mock", "{\"url\":\"https://a.example\"}", "/url");
    refuses("mock", "{\"overlap_seconds\":1}", "/overlap_seconds");
    refuses("zammad", "[]", "");
}

Test(source_options, takes_only_our_words_as_what_theirs_mean)
{
    cr_assert_eq(check("zammad", "{\"url\":\"https://a.example\",\"token\":\"x\","
                                 "\"status_map\":{\"Warten\":\"pending\"},"
                                 "\"priority_map\":{\"P1\":\"critical\"}}"),
                 MSP_OK);
    done();
    refuses("zammad",
            "{\"url\":\"https://a.example\",\"token\":\"x\",\"status_map\":{\"a\":\"b\"}}",
            "/status_map");
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"x\",\"status_map\":[\"open\"]}",
            "/status_map");
    refuses("zammad",
            "{\"url\":\"https://a.example\",\"token\":\"x\",\"priority_map\":{\"a\":\"open\"}}",
            "/priority_map");
    cr_assert(strstr(error.detail, "critical, high, medium, low or none") != NULL);
}

Test(source_options, never_repeats_a_secret)
{
    refuses("zammad", "{\"url\":\"https://a.example\",\"token\":\"hunter2\\u0007\"}", "/token");
    cr_assert_null(strstr(error.detail, "hunter2"));
}
