/* Parts of committed files: exactly what was asked for, of one content, from inside the storage. */
#include "storage/storage.h"

#include "msp/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 200000

static char root[64];
static char url[80];
static char taken[SIZE];
static size_t taken_bytes;
static size_t most_bytes;

static bool take(void *context, const void *bytes, size_t size)
{
    (void)context;
    cr_assert(taken_bytes + size <= SIZE);
    memcpy(taken + taken_bytes, bytes, size);
    taken_bytes += size;
    return taken_bytes < most_bytes;
}

static void write_file(const char *name, char first, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    for (size_t i = 0; i < size; i++)
        cr_assert(fputc((char)(first + (char)(i % 26)), out) != EOF);
    cr_assert(fclose(out) == 0);
}

static void begin(void)
{
    (void)snprintf(root, sizeof root, "%s", "/tmp/msp-read-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    (void)snprintf(url, sizeof url, "file://%s", root);
    most_bytes = SIZE + 1;
    write_file("a.csv", 'a', SIZE);
}

static void end(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert(system(command) == 0);
}

TestSuite(file_read, .init = begin, .fini = end);

static struct msp_storage_read order(const char *location, int64_t offset, int64_t length)
{
    return (struct msp_storage_read){.url = url,
                                     .location = location,
                                     .offset = offset,
                                     .length = length,
                                     .deadline_ms = msp_clock_monotonic_ms() + 10000,
                                     .sink = take};
}

static enum msp_result read_now(struct msp_storage_read *read, struct msp_error *error)
{
    taken_bytes = 0;
    return msp_file_storage.read_range(read, error);
}

Test(file_read, hands_over_exactly_the_part)
{
    static const int64_t parts[][2] = {{0, SIZE}, {0, 1}, {SIZE - 1, 1}, {65535, 65538}, {7, 0}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct msp_storage_read read = order("a.csv", parts[i][0], parts[i][1]);
        struct msp_error error;
        cr_assert(read_now(&read, &error) == MSP_OK, "%s", error.detail);
        cr_expect(read.file_bytes == SIZE);
        cr_assert(taken_bytes == (size_t)parts[i][1]);
        for (size_t at = 0; at < taken_bytes; at++)
            cr_assert(taken[at] == (char)('a' + (parts[i][0] + (int64_t)at) % 26));
    }
}

Test(file_read, never_joins_two_contents)
{
    struct msp_storage_read read = order("a.csv", 0, 10);
    struct msp_error error;
    char from[128];
    char to[128];
    cr_assert(read_now(&read, &error) == MSP_OK);
    cr_assert(read_now(&read, &error) == MSP_OK, "the same content is fine");
    (void)snprintf(from, sizeof from, "%s/new", root);
    (void)snprintf(to, sizeof to, "%s/a.csv", root);
    write_file("new", 'A', SIZE);
    cr_assert(rename(from, to) == 0);
    cr_expect(read_now(&read, &error) == MSP_CONFLICT);
    cr_expect_str_eq(error.code, "file_changed");
    cr_expect(taken_bytes == 0);
}

Test(file_read, tells_a_file_that_is_missing_from_one_that_is_too_short)
{
    struct msp_error error;
    struct msp_storage_read missing = order("b.csv", 0, 1);
    cr_expect(read_now(&missing, &error) == MSP_NOT_FOUND);
    cr_expect_str_eq(error.code, "file_missing");
    struct msp_storage_read no_folder = order("a.csv/b.csv", 0, 1);
    cr_expect(read_now(&no_folder, &error) == MSP_NOT_FOUND);
    struct msp_storage_read too_far = order("a.csv", SIZE - 5, 6);
    cr_expect(read_now(&too_far, &error) == MSP_BROKEN);
    cr_expect_str_eq(error.code, "file_short");
    cr_expect(too_far.file_bytes == SIZE);
}

Test(file_read, stays_in_its_folder)
{
    static const char *const outside[] = {"", "/etc/passwd", "../a.csv", "x/../../a.csv", "a/.."};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct msp_storage_read read = order(outside[i], 0, 1);
        struct msp_error error;
        cr_expect(read_now(&read, &error) == MSP_BROKEN, "%s", outside[i]);
        cr_expect_str_eq(error.code, "location_malformed");
    }
}

Test(file_read, is_not_held_up_by_what_is_no_file)
{
    char path[128];
    struct msp_error error;
    (void)snprintf(path, sizeof path, "%s/fifo", root);
    cr_assert(mkfifo(path, 0600) == 0);
    struct msp_storage_read fifo = order("fifo", 0, 1);
    cr_expect(read_now(&fifo, &error) == MSP_BROKEN);
    struct msp_storage_read folder = order(".", 0, 1);
    cr_expect(read_now(&folder, &error) == MSP_BROKEN);
}

Test(file_read, stops_when_nobody_wants_more_or_time_is_over)
{
    struct msp_storage_read read = order("a.csv", 0, SIZE);
    struct msp_error error;
    most_bytes = 1;
    cr_expect(read_now(&read, &error) == MSP_CANCELLED);
    cr_expect(taken_bytes < SIZE);
    most_bytes = SIZE + 1;
    read.deadline_ms = msp_clock_monotonic_ms() - 1;
    cr_expect(read_now(&read, &error) == MSP_TIMED_OUT);
}
