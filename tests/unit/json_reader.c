/* Promises of include/msp/json_reader.h. */
#include "msp/json_reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_json_limits small = {.max_bytes = 100, .max_depth = 3, .max_elements = 6};

/* Texts may hold NUL bytes, so their length is their array's. */
#define TEXT(literal) literal, sizeof(literal) - 1

struct example {
    const char *text;
    size_t length;
    const char *code; /* NULL = taken */
};

static void check(const struct example *example, const struct msp_json_limits *limits)
{
    json_t *const untouched = json_null();
    json_t *json = untouched;
    struct msp_error error = {0};
    /* A copy of the exact size, so that a read past the end is seen by ASan. */
    char *copy = malloc(example->length + 1);
    memcpy(copy, example->text, example->length);
    char *exact = realloc(copy, example->length ? example->length : 1);
    enum msp_result result = msp_json_parse(exact, example->length, limits, &json, &error);

    if (example->code) {
        cr_expect_neq(result, MSP_OK, "%s", example->text);
        cr_expect_str_eq(error.code, example->code, "%s: %s", example->text, error.detail);
        cr_expect_eq(error.result, result);
        cr_expect_gt(strlen(error.detail), 20);
        cr_expect_eq(json, untouched);
    } else {
        cr_expect_eq(result, MSP_OK, "%s: %s", example->text, error.detail);
        json_decref(json);
    }
    free(exact);
}

Test(json_reader, strict_json_only)
{
    static const struct example table[] = {
        {TEXT("{}"), NULL},
        {TEXT("[]"), NULL},
        {TEXT(" {\"a\" : [1, -0.5e3, true, null, \"\\u00e9\\ud83d\\ude00\"]}\n"), NULL},
        {TEXT("{\"[[[[[[[[\":\"{{{{{{{{,,,,,,,,\\\"[[[[[[\"}"), NULL},
        {TEXT("[9223372036854775807,-9223372036854775808]"), NULL},
        {TEXT(""), "json_malformed"},
        {TEXT(" "), "json_malformed"},
        {TEXT("1"), "json_malformed"},
        {TEXT("\"text\""), "json_malformed"},
        {TEXT("null"), "json_malformed"},
        {TEXT("{} {}"), "json_malformed"},
        {TEXT("[1,]"), "json_malformed"},
        {TEXT("{\"a\":1,}"), "json_malformed"},
        {TEXT("{'a':1}"), "json_malformed"},
        {TEXT("[1] // why"), "json_malformed"},
        {TEXT("[NaN]"), "json_malformed"},
        {TEXT("[Infinity]"), "json_malformed"},
        {TEXT("[01]"), "json_malformed"},
        {TEXT("[+1]"), "json_malformed"},
        {TEXT("[1e999]"), "json_malformed"},
        {TEXT("[9223372036854775808]"), "json_malformed"},
        {TEXT("[123456789012345678901234567890]"), "json_malformed"},
        {TEXT("\xEF\xBB\xBF{}"), "json_malformed"},
        {TEXT("[\"\xC3\x28\"]"), "json_malformed"},
        {TEXT("[\"\xED\xA0\x80\"]"), "json_malformed"},
        {TEXT("[\"\xF5\x80\x80\x80\"]"), "json_malformed"},
        {TEXT("[\"\xC0\xAF\"]"), "json_malformed"},
        {TEXT("[\"\xE2\x82\"]"), "json_malformed"},
        {TEXT("[\"\\ud800\"]"), "json_malformed"},
        {TEXT("[\"\\udc00\\ud800\"]"), "json_malformed"},
        {TEXT("[\"\\ud83dx\"]"), "json_malformed"},
        {TEXT("[\"\\x41\"]"), "json_malformed"},
        {TEXT("[\"a\nb\"]"), "json_malformed"},
        {TEXT("[\"open"), "json_malformed"},
        {TEXT("[\"open\\"), "json_malformed"},
        {TEXT("[\"open\\\""), "json_malformed"},
        {TEXT("]"), "json_malformed"},
        {TEXT("{\"a\":1,\"a\":2}"), "json_duplicate_member"},
        {TEXT("{\"a\":{\"b\":1,\"\\u0062\":1}}"), "json_duplicate_member"},
        {TEXT("[\"a\\u0000b\"]"), "json_nul_character"},
        {TEXT("{\"a\\u0000b\":1}"), "json_nul_character"},
        {TEXT("[1]\0"), "json_nul_byte"},
        {TEXT("[\"a\0b\"]"), "json_nul_byte"},
    };
    msp_json_init();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check(&table[i], &msp_json_request_limits);
}

Test(json_reader, limits_hold_to_the_number)
{
    static const struct example table[] = {
        {TEXT("[[[1]]]"), NULL},
        {TEXT("[{\"a\":[]}]"), NULL},
        {TEXT("[[[[1]]]]"), "json_too_deep"},
        {TEXT("[[[]],[[]]]"), NULL},
        {TEXT("[[],[],[]]"), NULL},
        {TEXT("[1,2,3,4,5,6]"), NULL},
        {TEXT("[1,2,3,4,5,6,7]"), "json_too_many_values"},
        {TEXT("{\"a\":1,\"b\":2,\"c\":3}"), NULL},
        {TEXT("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), "json_too_many_values"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check(&table[i], &small);
}

Test(json_reader, bytes_are_bounded)
{
    char text[102];
    memset(text, ' ', sizeof text);
    text[0] = '[';
    text[1] = ']';
    check(&(struct example){text, 100, NULL}, &small);
    check(&(struct example){text, 101, "json_too_large"}, &small);
}

Test(json_reader, what_is_too_much_is_told_from_what_is_wrong)
{
    struct msp_error error;
    char text[200];
    memset(text, ' ', sizeof text);
    cr_expect_eq(msp_json_scan(text, sizeof text, &small, &error), MSP_TOO_LARGE);
    cr_expect_eq(msp_json_scan(",,,,,,,", 7, &small, &error), MSP_TOO_LARGE);
    cr_expect_eq(msp_json_scan("[[[[", 4, &small, &error), MSP_INVALID);
    cr_expect_eq(msp_json_scan("\0", 1, &small, NULL), MSP_INVALID);
    cr_expect_eq(msp_json_scan(NULL, 0, &small, &error), MSP_OK);
}

Test(json_reader, nesting_of_any_depth_is_refused_before_the_parser_sees_it)
{
    static const size_t depths[] = {33, 316, 1216, 2000, 2048, 100000};
    static const char *const openings[] = {"[", "{\"a\":"};
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
        for (size_t j = 0; j < 2; j++) {
            size_t step = strlen(openings[j]);
            size_t length = depths[i] * step;
            char *text = malloc(length);
            for (size_t k = 0; k < length; k++)
                text[k] = openings[j][k % step];
            check(&(struct example){text, length,
                                    length > 256 * 1024 ? "json_too_large" : "json_too_deep"},
                  &msp_json_request_limits);
            free(text);
        }
}

Test(json_reader, a_backslash_does_not_hide_the_end_of_a_text)
{
    static const struct example table[] = {
        {TEXT("[\"\\\\\",[[[1]]]]"), "json_too_deep"},
        {TEXT("[\"\\\"\",[[[1]]]]"), "json_too_deep"},
        {TEXT("[\"\\\\\\\"[[[[[[[[[[[\"]"), NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check(&table[i], &small);
}

Test(json_reader, a_fault_is_told_with_line_and_column)
{
    json_t *json;
    struct msp_error error;
    cr_assert_eq(msp_json_parse(TEXT("{\n \"a\": tru\n}"), &msp_json_request_limits, &json, &error),
                 MSP_INVALID);
    cr_assert_not_null(strstr(error.detail, "line 2, column 9"), "%s", error.detail);
}

static void expect_members(const char *text, const char *pointer)
{
    static const char *const known[] = {"from", "to", NULL};
    struct msp_error error = {0};
    json_t *object = json_loads(text, 0, NULL);
    enum msp_result result = msp_json_only_members(object, known, &error);

    if (pointer) {
        cr_expect_eq(result, MSP_INVALID);
        cr_expect_str_eq(error.code, "unknown_member");
        cr_expect_str_eq(error.pointer, pointer);
    } else {
        cr_expect_eq(result, MSP_OK, "%s", text);
    }
    json_decref(object);
}

Test(json_reader, strangers_among_the_members_are_named)
{
    expect_members("{}", NULL);
    expect_members("{\"to\":1}", NULL);
    expect_members("{\"to\":1,\"from\":2}", NULL);
    expect_members("{\"to\":1,\"form\":2,\"x\":3}", "/form");
    expect_members("{\"To\":1}", "/To");
    expect_members("{\"\":1}", "/");
    expect_members("{\"a/b~c\":1}", "/a~1b~0c");
}

Test(json_reader, a_long_strange_name_is_cut_between_characters_and_escapes)
{
    static const char *const none[] = {NULL};
    static const char *const pieces[] = {"~", "é", "x", "/"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char name[1001] = "";
        size_t size = strlen(pieces[i]);
        for (size_t at = 0; at < 400 * size; at++)
            name[at] = pieces[i][at % size];
        struct msp_error error;
        json_t *object = json_pack("{s:i}", name, 1);
        cr_assert_eq(msp_json_only_members(object, none, &error), MSP_INVALID);
        json_decref(object);

        size_t length = strlen(error.pointer);
        cr_expect_geq(length, sizeof error.pointer - 3);
        json_t *whole = json_string(error.pointer);
        cr_expect_not_null(whole, "not cut inside a character");
        json_decref(whole);
        size_t tildes = strcspn(error.pointer, "~") == length ? 0 : length - 1;
        cr_expect_eq(tildes % 2, 0);
    }
}

Test(json_reader, only_an_object_has_members)
{
    static const char *const none[] = {NULL};
    json_t *array = json_array();
    cr_assert_eq(msp_json_only_members(array, none, NULL), MSP_INVALID);
    json_decref(array);
}
