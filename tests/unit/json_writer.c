/* Promises of include/msp/json_writer.h. */
#include "msp/json_writer.h"

#include "msp/no_value.h"

#include <criterion/criterion.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct msp_buffer buffer;
static struct msp_json_writer writer;

static void start(void)
{
    msp_buffer_init(&buffer, 0);
    msp_json_writer_init(&writer, &buffer);
}

static void stop(void)
{
    msp_buffer_done(&buffer);
}

TestSuite(json_writer, .init = start, .fini = stop);

static void expect_text(const char *expected)
{
    cr_assert_not(buffer.failed);
    cr_expect_eq(buffer.length, strlen(expected), "%.*s", (int)buffer.length, buffer.data);
    cr_expect_arr_eq(buffer.data, expected, strlen(expected), "%.*s", (int)buffer.length,
                     buffer.data);
}

Test(json_writer, places_commas_by_itself)
{
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "empty");
    msp_json_begin_array(&writer);
    msp_json_end_array(&writer);
    msp_json_key(&writer, "list");
    msp_json_begin_array(&writer);
    msp_json_int(&writer, 1);
    msp_json_begin_object(&writer);
    msp_json_end_object(&writer);
    msp_json_begin_array(&writer);
    msp_json_null(&writer);
    msp_json_bool(&writer, true);
    msp_json_end_array(&writer);
    msp_json_raw(&writer, "{\"stored\":1}");
    msp_json_raw(&writer, NULL);
    msp_json_end_array(&writer);
    msp_json_key_bool(&writer, "no", false);
    msp_json_key_string(&writer, "a\"b", "text");
    msp_json_key_string(&writer, "none", NULL);
    msp_json_end_object(&writer);
    expect_text("{\"empty\":[],\"list\":[1,{},[null,true],{\"stored\":1},null],\"no\":false,"
                "\"a\\\"b\":\"text\",\"none\":null}");
}

Test(json_writer, writes_times_and_days_or_null)
{
    msp_json_begin_object(&writer);
    msp_json_key_time(&writer, "at", INT64_C(1459040340) * 1000000);
    msp_json_key_time(&writer, "never", MSP_NO_TIME);
    msp_json_key_day(&writer, "day", 16887);
    msp_json_key_day(&writer, "none", MSP_NO_DAY);
    msp_json_key_int(&writer, "least", INT64_MIN);
    msp_json_key_int(&writer, "most", INT64_MAX);
    msp_json_end_object(&writer);
    expect_text("{\"at\":\"2016-03-27T00:59:00Z\",\"never\":null,\"day\":\"2016-03-27\","
                "\"none\":null,\"least\":-9223372036854775808,\"most\":9223372036854775807}");
}

Test(json_writer, escapes_what_json_asks_and_replaces_broken_utf8)
{
    static const struct {
        const char *text;
        const char *expected;
    } table[] = {
        {"", "\"\""},
        {"plain text", "\"plain text\""},
        {"\"\\/", "\"\\\"\\\\/\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"é€😀", "\"é€😀\""},
        {"a\xFFz", "\"a\xEF\xBF\xBDz\""},
        {"\xC3", "\"\xEF\xBF\xBD\""},
        {"\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF0\x8F\xBF\xBF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xEF\xBF\xBF\xF4\x8F\xBF\xBF", "\"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        msp_buffer_clear(&buffer);
        msp_json_writer_init(&writer, &buffer);
        msp_json_string(&writer, table[i].text);
        expect_text(table[i].expected);
    }
}

Test(json_writer, a_text_with_a_length_may_hold_NUL)
{
    msp_json_string_n(&writer, "a\0b", 3);
    expect_text("\"a\\u0000b\"");
}

Test(json_writer, whatever_bytes_go_in_jansson_reads_what_comes_out)
{
    unsigned state = 1;
    for (int round = 0; round < 20000; round++) {
        char text[24];
        for (size_t i = 0; i < sizeof text; i++) {
            state = state * 1103515245U + 12345U;
            /* Mostly lead and continuation bytes, so that whole and broken characters meet. */
            text[i] =
                (char)((state >> 16) % 4 ? 0x80 + (state >> 18) % 0x80 : (state >> 18) % 0x80);
        }
        msp_buffer_clear(&buffer);
        msp_json_writer_init(&writer, &buffer);
        msp_json_string_n(&writer, text, sizeof text);
        json_t *json =
            json_loadb(buffer.data, buffer.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        cr_assert_not_null(json, "%.*s", (int)buffer.length, buffer.data);
        json_decref(json);
    }
}

Test(json_writer, doubles_are_the_shortest_text_that_reads_back)
{
    static const struct {
        double value;
        const char *expected;
    } table[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-17.0, "-17"},
        {0.1, "0.1"},
        {0.5, "0.5"},
        {1.0 / 3.0, "0.3333333333333333"},
        {2.0 / 3.0, "0.6666666666666666"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123456.789, "123456.789"},
        {999999999999999.0, "999999999999999"},
        {1e15, "1e+15"},
        {9007199254740993.0, "9007199254740992"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1e-310, "1e-310"},
        {1e-5, "1e-05"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[MSP_DOUBLE_TEXT_BYTES];
        size_t length = msp_double_format(table[i].value, text);
        cr_expect_str_eq(text, table[i].expected);
        cr_expect_eq(length, strlen(text));
        cr_expect_eq(strtod(text, NULL), table[i].value);
    }
}

Test(json_writer, random_doubles_read_back_and_fewer_digits_would_not)
{
    uint64_t state = 88172645463325252ULL;
    for (int round = 0; round < 200000; round++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double value;
        memcpy(&value, &state, sizeof value);
        if (!isfinite(value) || value == trunc(value))
            continue; /* whole numbers keep their zeros */
        char text[MSP_DOUBLE_TEXT_BYTES];
        char shorter[320];
        msp_double_format(value, text);
        cr_assert_eq(strtod(text, NULL), value, "%s", text);
        int digits = 0;
        for (const char *at = text + strspn(text, "-0."); *at && *at != 'e'; at++)
            digits += *at >= '0' && *at <= '9';
        snprintf(shorter, sizeof shorter, "%.*g", digits - 1, value);
        cr_assert(digits == 1 || strtod(shorter, NULL) != value, "%s is no longer than %s", text,
                  shorter);
    }
}

Test(json_writer, quotients_are_written_as_printf_would_with_the_fewest_digits)
{
    for (int64_t divisor = 1; divisor < 400; divisor++)
        for (int64_t dividend = 1; dividend < 200000000; dividend = dividend * 3 + divisor) {
            double value = (double)dividend / (double)divisor;
            char expected[32];
            char text[MSP_DOUBLE_TEXT_BYTES];
            for (int digits = 1; digits <= 17; digits++) {
                snprintf(expected, sizeof expected, "%.*g", digits, value);
                if (strtod(expected, NULL) == value)
                    break;
            }
            msp_double_format(value, text);
            if (!strchr(expected, 'e'))
                cr_assert_str_eq(text, expected);
            cr_assert_eq(strtod(text, NULL), value);
        }
}

Test(json_writer, a_literal_key_and_its_number_read_like_key_and_number)
{
    static const struct msp_json_key real = MSP_JSON_KEY("real");
    static const struct msp_json_key whole = MSP_JSON_KEY("whole");
    static const struct msp_json_key none = MSP_JSON_KEY("a_name_of_thirty-five_letters_0123");
    static const double reals[] = {0, -1, 0.1, 1.0 / 3, 1e300, NAN, 12345678.9};
    static const int64_t wholes[] = {0,   7,    9,    10,    99,    100,       101,
                                     999, 1000, 9999, 10000, 12345, 100000,    9999999,
                                     -1,  -9,   -10,  -99,   -100,  INT64_MAX, INT64_MIN};
    struct msp_buffer left;
    struct msp_buffer right;
    struct msp_json_writer quick;
    struct msp_json_writer slow;
    msp_buffer_init(&left, 0);
    msp_buffer_init(&right, 0);
    msp_json_writer_init(&quick, &left);
    msp_json_writer_init(&slow, &right);
    msp_json_begin_object(&quick);
    msp_json_begin_object(&slow);
    msp_json_keyed_null(&quick, &none);
    msp_json_key(&slow, "a_name_of_thirty-five_letters_0123");
    msp_json_null(&slow);
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        msp_json_keyed_double(&quick, &real, reals[i]);
        msp_json_key(&slow, "real");
        msp_json_double(&slow, reals[i]);
    }
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        msp_json_keyed_int(&quick, &whole, wholes[i]);
        msp_json_key_int(&slow, "whole", wholes[i]);
    }
    msp_json_end_object(&quick);
    msp_json_end_object(&slow);
    cr_assert_eq(left.length, right.length);
    cr_assert_arr_eq(left.data, right.data, left.length);
    cr_assert_not_null(memmem(left.data, left.length, "-9223372036854775808", 20));
    msp_buffer_done(&left);
    msp_buffer_done(&right);
}

Test(json_writer, numbers_that_json_does_not_have_are_null)
{
    msp_json_begin_array(&writer);
    msp_json_double(&writer, NAN);
    msp_json_double(&writer, INFINITY);
    msp_json_double(&writer, -INFINITY);
    msp_json_double(&writer, 2.5);
    msp_json_end_array(&writer);
    expect_text("[null,null,null,2.5]");
}

Test(json_writer, goes_32_levels_deep)
{
    for (int i = 0; i < MSP_JSON_WRITER_MAX_DEPTH; i++)
        msp_json_begin_array(&writer);
    for (int i = 0; i < MSP_JSON_WRITER_MAX_DEPTH; i++)
        msp_json_end_array(&writer);
    cr_assert_eq(buffer.length, 64);
}

Test(json_writer, one_level_more_aborts, .signal = SIGABRT)
{
    for (int i = 0; i <= MSP_JSON_WRITER_MAX_DEPTH; i++)
        msp_json_begin_array(&writer);
}

Test(json_writer, a_value_where_a_key_is_due_aborts, .signal = SIGABRT)
{
    msp_json_begin_object(&writer);
    msp_json_int(&writer, 1);
}

Test(json_writer, a_key_in_an_array_aborts, .signal = SIGABRT)
{
    msp_json_begin_array(&writer);
    msp_json_key(&writer, "a");
}

Test(json_writer, a_key_without_a_value_aborts, .signal = SIGABRT)
{
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "a");
    msp_json_end_object(&writer);
}

Test(json_writer, closing_what_is_not_open_aborts, .signal = SIGABRT)
{
    msp_json_begin_array(&writer);
    msp_json_end_object(&writer);
}

Test(json_writer, a_full_buffer_is_seen_at_the_end)
{
    msp_buffer_done(&buffer);
    msp_buffer_init(&buffer, 8);
    msp_json_begin_array(&writer);
    for (int i = 0; i < 100; i++)
        msp_json_string(&writer, "text");
    msp_json_end_array(&writer);
    cr_assert(buffer.failed);
    cr_assert_leq(buffer.length, 8);
}

/* The fewest digits that read back, found by trying. */
static int fewest_digits(double value)
{
    char text[40];
    int digits = 1;

    for (; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return digits;
}

/* Digits from the first that is not 0 to the last that is not 0. */
static int significant_digits(const char *text)
{
    int count = 0;
    int counted = 0;

    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        count++;
        if (*text != '0')
            counted = count;
    }
    return counted;
}

Test(json_writer, the_shortest_text_of_many_numbers_reads_back_and_is_shortest)
{
    uint64_t state = 88172645463325252U;

    for (int i = 0; i < 200000; i++) {
        char text[MSP_DOUBLE_TEXT_BYTES];
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double value = i % 3 == 0   ? (double)(state % 100000000) / (double)(1 + (state >> 50)) / 60
                       : i % 3 == 1 ? (double)(state >> 20) / 1e6
                                    : (double)(state % 1000) / (double)(1 + (state >> 54));
        if (value == 0)
            continue;
        msp_double_format(value, text);
        cr_assert_eq(strtod(text, NULL), value, "%s", text);
        cr_assert_eq(significant_digits(text), fewest_digits(value), "%s", text);
    }
}
