/* The mock source: pages, cursors, compressed files, and what files do to readers. */
#include "sources/source.h"

#include "msp/clock.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static struct msp_settings settings;

static void make_folder(void)
{
    char folder[] = "/tmp/msp-mock-XXXXXX";
    char path[64];
    cr_assert(mkdtemp(folder) != NULL);
    settings.mock_mode = true;
    snprintf(settings.mock_data_path, sizeof settings.mock_data_path, "%s", folder);
    snprintf(path, sizeof path, "%s/tickets", folder);
    cr_assert(mkdir(path, 0700) == 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(settings.mock_data_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(mock_source, .init = make_folder, .fini = remove_folder);

static void file_path(const char *name, char out[1200])
{
    snprintf(out, 1200, "%s/tickets/%s", settings.mock_data_path, name);
}

static void put(const char *name, const char *text)
{
    char path[1200];
    file_path(name, path);
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

/* `count` good tickets. */
static char *lines_of(int count)
{
    char *text = malloc((size_t)count * 160 + 1);
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        length += (size_t)sprintf(text + length,
                                  "{\"tenant\":\"x\",\"external_id\":\"T-%d\",\"status\":\"open\","
                                  "\"priority\":\"low\",\"created_at\":\"2026-01-01T00:00:00Z\","
                                  "\"updated_at\":\"2026-01-01T00:00:00Z\"}\n",
                                  i);
    }
    text[length] = '\0';
    return text;
}

static struct msp_source_reader *open_source(void)
{
    struct msp_source_reader *reader;
    struct msp_error error;
    cr_assert(
        msp_mock_source.open(&(struct msp_source_order){.settings = &settings, .tenant = "acme"},
                             &reader, &error) == MSP_OK,
        "%s", error.detail);
    return reader;
}

static enum msp_result page(struct msp_source_reader *reader, const char *cursor, int max,
                            struct msp_ticket_batch *batch, struct msp_source_page *out)
{
    struct msp_error error;
    return msp_mock_source.page(reader, cursor, max, batch, msp_clock_monotonic_ms() + 10000, out,
                                &error);
}

/* Pulls everything in pages of `max` and returns how many pages that took. */
static int pull_all(struct msp_source_reader *reader, int max, char *cursor)
{
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    struct msp_source_page got = {.drained = false};
    int pages = 0;
    while (!got.drained && pages < 100) {
        cr_assert(page(reader, cursor, max, batch, &got) == MSP_OK);
        msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
        (void)snprintf(cursor, MSP_CURSOR_BYTES, "%s", got.next_cursor);
        pages++;
    }
    msp_ticket_batch_free(batch);
    return pages;
}

Test(mock_source, is_offered_in_mock_mode_only)
{
    const struct msp_source *source;
    struct msp_error error;
    cr_assert(msp_source_find("mock", &settings, NULL, &source, &error) == MSP_OK);
    settings.mock_mode = false;
    cr_assert(msp_source_find("mock", &settings, NULL, &source, &error) == MSP_NOT_FOUND);
    cr_assert(msp_source_find("abacus", &settings, NULL, &source, &error) == MSP_NOT_FOUND);
}

Test(mock_source, names_the_path_of_a_missing_file)
{
    struct msp_source_reader *reader;
    struct msp_error error;
    cr_assert(
        msp_mock_source.open(&(struct msp_source_order){.settings = &settings, .tenant = "acme"},
                             &reader, &error) == MSP_NOT_FOUND);
    cr_assert(strstr(error.detail, settings.mock_data_path) != NULL);
    cr_assert(strstr(error.detail, "acme.ndjson") != NULL);
}

Test(mock_source, pages_through_a_file_and_says_when_it_is_drained)
{
    char *text = lines_of(25);
    char cursor[MSP_CURSOR_BYTES] = "";
    char expected[MSP_CURSOR_BYTES];
    put("acme.ndjson", text);
    struct msp_source_reader *reader = open_source();
    cr_assert(pull_all(reader, 10, cursor) == 3);
    snprintf(expected, sizeof expected, "m1:%zu:25", strlen(text));
    cr_assert_str_eq(cursor, expected);
    msp_mock_source.close(reader);
    free(text);
}

Test(mock_source, reads_a_compressed_file_from_any_cursor_with_a_new_reader)
{
    char *text = lines_of(5000);
    char path[1200];
    file_path("acme.ndjson.gz", path);
    gzFile file = gzopen(path, "wb");
    cr_assert(gzwrite(file, text, (unsigned)strlen(text)) > 0);
    gzclose(file);
    struct msp_source_page got;
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    struct msp_source_reader *reader = open_source();
    cr_assert(page(reader, "", 2000, batch, &got) == MSP_OK && !got.drained);
    msp_mock_source.close(reader);
    msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
    char cursor[MSP_CURSOR_BYTES];
    (void)snprintf(cursor, MSP_CURSOR_BYTES, "%s", got.next_cursor);
    reader = open_source();
    cr_assert(pull_all(reader, 2000, cursor) == 2);
    char expected[MSP_CURSOR_BYTES];
    snprintf(expected, sizeof expected, "m1:%zu:5000", strlen(text));
    cr_assert_str_eq(cursor, expected);
    msp_mock_source.close(reader);
    msp_ticket_batch_free(batch);
    free(text);
}

Test(mock_source, goes_back_when_asked_for_the_start_again)
{
    char *text = lines_of(30);
    char cursor[MSP_CURSOR_BYTES] = "";
    char again[MSP_CURSOR_BYTES] = "";
    put("acme.ndjson", text);
    struct msp_source_reader *reader = open_source();
    pull_all(reader, 7, cursor);
    pull_all(reader, 30, again);
    cr_assert_str_eq(cursor, again);
    msp_mock_source.close(reader);
    free(text);
}

Test(mock_source, takes_what_was_appended_since_the_last_pull)
{
    char *text = lines_of(3);
    char cursor[MSP_CURSOR_BYTES] = "";
    char path[1200];
    put("acme.ndjson", text);
    struct msp_source_reader *reader = open_source();
    pull_all(reader, 10, cursor);
    msp_mock_source.close(reader);
    file_path("acme.ndjson", path);
    FILE *file = fopen(path, "a");
    fputs(text, file);
    fclose(file);
    reader = open_source();
    pull_all(reader, 10, cursor);
    cr_assert(strstr(cursor, ":6") != NULL, "%s", cursor);
    msp_mock_source.close(reader);
    free(text);
}

Test(mock_source, leaves_a_half_written_last_line_for_the_next_pull)
{
    char *text = lines_of(3);
    char *half = malloc(strlen(text) + 64);
    char cursor[MSP_CURSOR_BYTES] = "";
    char expected[MSP_CURSOR_BYTES];
    sprintf(half, "%s%s", text, "{\"external_id\":\"T-9\",\"crea");
    put("acme.ndjson", half);
    struct msp_source_reader *reader = open_source();
    pull_all(reader, 10, cursor);
    snprintf(expected, sizeof expected, "m1:%zu:3", strlen(text));
    cr_assert_str_eq(cursor, expected);
    msp_mock_source.close(reader);
    free(text);
    free(half);
}

Test(mock_source, passes_over_a_line_that_is_too_long)
{
    char *text = lines_of(2);
    size_t long_bytes = 900000;
    char *all = malloc(long_bytes + 2 * strlen(text) + 8);
    size_t length = (size_t)sprintf(all, "%s", text);
    memset(all + length, 'x', long_bytes);
    sprintf(all + length + long_bytes, "\n%s", text);
    char cursor[MSP_CURSOR_BYTES] = "";
    char expected[MSP_CURSOR_BYTES];
    put("acme.ndjson", all);
    struct msp_source_reader *reader = open_source();
    cr_assert(pull_all(reader, 10, cursor) == 1);
    snprintf(expected, sizeof expected, "m1:%zu:5", strlen(all));
    cr_assert_str_eq(cursor, expected);
    msp_mock_source.close(reader);
    free(text);
    free(all);
}

Test(mock_source, starts_over_when_the_file_is_shorter_than_the_cursor)
{
    char *text = lines_of(4);
    char cursor[MSP_CURSOR_BYTES] = "m1:999999:4000";
    put("acme.ndjson", text);
    struct msp_source_reader *reader = open_source();
    pull_all(reader, 10, cursor);
    cr_assert(strstr(cursor, ":4") != NULL && strlen(cursor) < 10, "%s", cursor);
    msp_mock_source.close(reader);
    free(text);
}

Test(mock_source, refuses_a_cursor_of_another_making)
{
    static const char *const bad[] = {
        "m2:1:1", "m1:", "m1:1", "m1:1:1x", "m1:-1:0", "nonsense", "m1:99999999999999999999:1",
        "m1: 1:1"};
    struct msp_source_page got;
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    put("acme.ndjson", "\n");
    struct msp_source_reader *reader = open_source();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert(page(reader, bad[i], 10, batch, &got) == MSP_INVALID, "%s", bad[i]);
    }
    msp_mock_source.close(reader);
    msp_ticket_batch_free(batch);
}

Test(mock_source, tells_of_a_compressed_file_that_was_cut)
{
    char *text = lines_of(5000);
    char path[1200];
    file_path("acme.ndjson.gz", path);
    gzFile file = gzopen(path, "wb");
    gzwrite(file, text, (unsigned)strlen(text));
    gzclose(file);
    struct stat status;
    cr_assert(stat(path, &status) == 0 && truncate(path, status.st_size / 2) == 0);
    struct msp_source_page got;
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    struct msp_source_reader *reader = open_source();
    enum msp_result result = MSP_OK;
    char cursor[MSP_CURSOR_BYTES] = "";
    for (int i = 0; i < 5 && result == MSP_OK; i++) {
        result = page(reader, cursor, 2000, batch, &got);
        msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
        (void)snprintf(cursor, MSP_CURSOR_BYTES, "%s", got.next_cursor);
    }
    cr_assert(result == MSP_BROKEN);
    msp_mock_source.close(reader);
    msp_ticket_batch_free(batch);
    free(text);
}
