/* Promises of include/msp/csv.h. Samples named csv-spectrum are from
 * github.com/maxogden/csv-spectrum. */
#include "msp/csv.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct msp_buffer buffer;
static struct msp_csv_writer writer;

static void start(void)
{
    msp_buffer_init(&buffer, 0);
    msp_csv_writer_init(&writer, &buffer);
}

static void stop(void)
{
    msp_buffer_done(&buffer);
}

TestSuite(csv, .init = start, .fini = stop);

/* What came behind the byte order mark. */
static void expect_rows(const char *expected)
{
    cr_assert_geq(buffer.length, 3);
    cr_expect_arr_eq(buffer.data, "\xEF\xBB\xBF", 3);
    cr_expect_eq(buffer.length - 3, strlen(expected), "%.*s", (int)buffer.length, buffer.data);
    cr_expect_arr_eq(buffer.data + 3, expected, strlen(expected), "%.*s", (int)buffer.length,
                     buffer.data);
}

static void write_row(const char *const cells[])
{
    for (size_t i = 0; cells[i]; i++)
        msp_csv_text(&writer, cells[i]);
    msp_csv_end_row(&writer);
}

#define ROW(...) write_row((const char *const[]){__VA_ARGS__, NULL})

Test(csv, cells_of_every_kind)
{
    msp_csv_plain(&writer, "2016-03-27");
    msp_csv_int(&writer, -42);
    msp_csv_double(&writer, 0.25);
    msp_csv_double(&writer, NAN);
    msp_csv_empty(&writer);
    msp_csv_text(&writer, NULL);
    msp_csv_text(&writer, "");
    msp_csv_end_row(&writer);
    msp_csv_empty(&writer);
    msp_csv_int(&writer, INT64_MIN);
    msp_csv_end_row(&writer);
    expect_rows("2016-03-27,-42,0.25,,,,\"\"\r\n,-9223372036854775808\r\n");
}

Test(csv, texts_are_quoted_when_needed_and_guarded_against_formulas)
{
    static const struct {
        const char *text;
        const char *expected;
    } table[] = {
        {"plain", "plain"},
        {"two words", "two words"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"\"", "\"\"\"\""},
        {"a\nb", "\"a\nb\""},
        {"a\rb", "\"a\rb\""},
        {" lead", "\" lead\""},
        {"trail ", "\"trail \""},
        {" ", "\" \""},
        {"=1+1", "'=1+1"},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\tx", "'\tx"},
        {"\rx", "\"'\rx\""},
        {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
        {"a=b", "a=b"},
        {"'", "'"},
        {"ʤ é 😀", "ʤ é 😀"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%s\r\n", table[i].expected);
        msp_buffer_clear(&buffer);
        msp_csv_writer_init(&writer, &buffer);
        msp_csv_text(&writer, table[i].text);
        msp_csv_end_row(&writer);
        expect_rows(expected);
    }
}

Test(csv, csv_spectrum_comma_in_quotes)
{
    ROW("first", "last", "address", "city", "zip");
    ROW("John", "Doe", "120 any st.", "Anytown, WW", "08123");
    expect_rows("first,last,address,city,zip\r\nJohn,Doe,120 any st.,\"Anytown, WW\",08123\r\n");
}

Test(csv, csv_spectrum_escaped_quotes)
{
    ROW("1", "ha \"ha\" ha");
    ROW("3", "4");
    expect_rows("1,\"ha \"\"ha\"\" ha\"\r\n3,4\r\n");
}

Test(csv, csv_spectrum_json)
{
    ROW("1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}");
    expect_rows("1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\r\n");
}

Test(csv, csv_spectrum_quotes_and_newlines)
{
    ROW("1", "ha \n\"ha\" \nha");
    ROW("3", "4");
    expect_rows("1,\"ha \n\"\"ha\"\" \nha\"\r\n3,4\r\n");
}

Test(csv, csv_spectrum_newlines)
{
    ROW("Once upon \na time", "5", "6");
    expect_rows("\"Once upon \na time\",5,6\r\n");
}

Test(csv, csv_spectrum_empty)
{
    ROW("1", "", "");
    ROW("2", "3", "4");
    expect_rows("1,\"\",\"\"\r\n2,3,4\r\n");
}

/* Reads one cell by RFC 4180, as a stranger's reader would. */
static const char *read_cell(const char *at, char *out)
{
    if (*at != '"') {
        while (*at != ',' && *at != '\r')
            *out++ = *at++;
        *out = '\0';
        return at;
    }
    for (at++;; at++) {
        if (*at == '"' && *++at != '"')
            break;
        *out++ = *at;
    }
    *out = '\0';
    return at;
}

Test(csv, a_reader_gets_back_what_was_written)
{
    static const char letters[] = "ab,\"\r\n ;\t";
    unsigned state = 7;
    for (int round = 0; round < 20000; round++) {
        char text[12] = "x"; /* no formula, so no guard */
        for (size_t i = 1; i < sizeof text - 1; i++) {
            state = state * 1103515245U + 12345U;
            text[i] = letters[(state >> 16) % (sizeof letters - 1)];
        }
        msp_buffer_clear(&buffer);
        msp_csv_writer_init(&writer, &buffer);
        msp_csv_text(&writer, text);
        msp_csv_text(&writer, text + 1 + strspn(text + 1, "\r\t"));
        msp_csv_end_row(&writer);
        msp_buffer_append(&buffer, "", 1);

        char back[16];
        const char *at = read_cell(buffer.data + 3, back);
        cr_assert_str_eq(back, text);
        cr_assert_eq(*at, ',');
        at = read_cell(at + 1, back);
        cr_assert_str_eq(back, text + 1 + strspn(text + 1, "\r\t"));
        cr_assert_str_eq(at, "\r\n");
    }
}
