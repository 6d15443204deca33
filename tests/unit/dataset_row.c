/* Promises of db/dataset_row.h, on rows as PostgreSQL's binary COPY sends them. */
#include "dataset_row.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_buffer out;
static struct msp_csv_writer writer;

static void start(void)
{
    msp_buffer_init(&out, 0);
    writer = (struct msp_csv_writer){.out = &out};
}

static void stop(void)
{
    msp_buffer_done(&out);
}

TestSuite(dataset_row, .init = start, .fini = stop);

#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"

/* A literal's bytes without its NUL, from the heap, so that the sanitizer sees reads past its end.
 */
#define WITH(literal, call)                                                                        \
    do {                                                                                           \
        size_t length = sizeof(literal) - 1;                                                       \
        char *bytes = malloc(length);                                                              \
        const char *row = memcpy(bytes, literal, length);                                          \
        call;                                                                                      \
        free(bytes);                                                                               \
    } while (0)

static void expect(const char *expected)
{
    cr_expect_eq(out.length, strlen(expected), "%.*s", (int)out.length, out.data);
    cr_expect(memcmp(out.data, expected, strlen(expected)) == 0, "%.*s", (int)out.length, out.data);
}

Test(dataset_row, a_cell_of_every_form_becomes_text)
{
    WITH("\0\7\0\0\0\4\0\0\0\1"             /* 2000-01-02 */
         "\0\0\0\10\0\0\0\0\0\0\0\1"        /* a microsecond into 2000 */
         "\0\0\0\2ab\0\0\0\1\1"             /* text, true */
         "\0\0\0\2\377\376\0\0\0\4\0\0\1\0" /* -2, 256 */
         "\0\0\0\10\200\0\0\0\0\0\0\0",     /* the least bigint */
         cr_assert(msp_copy_row_csv("dtsbiii", row, length, &writer)));
    expect("2000-01-02,2000-01-01T00:00:00.000001Z,ab,true,-2,256,-9223372036854775808");
}

Test(dataset_row, a_null_is_an_empty_cell_and_an_empty_text_is_quoted)
{
    WITH("\0\3\377\377\377\377\0\0\0\0\377\377\377\377",
         cr_assert(msp_copy_row_csv("tsi", row, length, &writer)));
    expect(",\"\",");
}

Test(dataset_row, text_that_a_spreadsheet_would_compute_is_guarded)
{
    WITH("\0\6\0\0\0\2=1\0\0\0\2+1\0\0\0\2-1\0\0\0\2@A\0\0\0\2\t1\0\0\0\2\r1",
         cr_assert(msp_copy_row_csv("ssssss", row, length, &writer)));
    expect("'=1,'+1,'-1,'@A,'\t1,\"'\r1\"");
}

Test(dataset_row, numbers_below_zero_are_not_guarded)
{
    WITH("\0\1\0\0\0\2\377\377", cr_assert(msp_copy_row_csv("i", row, length, &writer)));
    expect("-1");
}

Test(dataset_row, text_is_quoted_where_a_reader_needs_it)
{
    WITH("\0\4\0\0\0\3a,b\0\0\0\3a\"b\0\0\0\3a\nb\0\0\0\3a=b",
         cr_assert(msp_copy_row_csv("ssss", row, length, &writer)));
    expect("\"a,b\",\"a\"\"b\",\"a\nb\",a=b");
}

Test(dataset_row, rows_of_another_form_are_refused)
{
    WITH("\0", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\2\0\0\0\1a", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\1\0\0\0\2a", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\1\0\0\0", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\1\0\0\0\1ab", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\1\377\377\377\376", cr_expect_not(msp_copy_row_csv("s", row, length, &writer)));
    WITH("\0\1\0\0\0\3abc", cr_expect_not(msp_copy_row_csv("i", row, length, &writer)));
}

Test(dataset_row, the_key_is_the_first_column)
{
    int64_t key = 0;
    WITH("\0\1\0\0\0\4\377\377\377\377", cr_assert(msp_copy_row_key("d", row, length, &key)));
    cr_expect_eq(key, 10956);
    WITH("\0\1\0\0\0\10\0\0\0\0\0\0\0\0", cr_assert(msp_copy_row_key("t", row, length, &key)));
    cr_expect_eq(key, INT64_C(946684800000000));
    WITH("\0\1\377\377\377\377", cr_expect_not(msp_copy_row_key("t", row, length, &key)));
}

Test(dataset_row, the_head_of_a_copy_is_stepped_over_once)
{
    WITH(HEAD "\0\1\0\0\0\1a", {
        cr_assert_eq(msp_copy_message(true, &row, &length), MSP_COPY_ROW);
        cr_assert(msp_copy_row_csv("s", row, length, &writer));
    });
    expect("a");
    WITH(HEAD "\377\377", cr_expect_eq(msp_copy_message(true, &row, &length), MSP_COPY_END));
    WITH("\377\377", cr_expect_eq(msp_copy_message(false, &row, &length), MSP_COPY_END));
    WITH("\0\1\0\0\0\1a", cr_expect_eq(msp_copy_message(true, &row, &length), MSP_COPY_BROKEN));
    WITH("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\7abc",
         cr_expect_eq(msp_copy_message(true, &row, &length), MSP_COPY_BROKEN));
    WITH("\0", cr_expect_eq(msp_copy_message(false, &row, &length), MSP_COPY_BROKEN));
}
