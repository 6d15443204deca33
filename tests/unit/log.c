/* Promises of include/msp/log.h and log_page.h, read from a pipe in the place of standard error. */
#include "msp/log.h"
#include "msp/log_page.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int reading_end;

static void start(void)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_DIRECT | O_NONBLOCK), 0); /* O_DIRECT: one read gives one write */
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    reading_end = ends[0];
    msp_log_configure(MSP_LOG_DEBUG, MSP_LOG_PLAIN);
    msp_log_set_process("http worker 1");
}

TestSuite(log, .init = start);

/* What one write brought; empty if nothing was written. */
static const char *next_write(void)
{
    static char line[8192];
    ssize_t length = read(reading_end, line, sizeof line - 1);
    line[length > 0 ? length : 0] = '\0';
    return line;
}

static void expect_line(const char *pattern)
{
    char whole[512];
    regex_t expression;
    const char *line = next_write();
    snprintf(whole, sizeof whole,
             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z %s\n$", pattern);
    cr_assert_eq(regcomp(&expression, whole, REG_EXTENDED | REG_NOSUB), 0);
    cr_expect_eq(regexec(&expression, line, 0, NULL, 0), 0, "%s is not like %s", line, whole);
    regfree(&expression);
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(not there)";
}

static json_t *next_object(void)
{
    const char *line = next_write();
    size_t length = strlen(line);
    cr_assert_gt(length, 0);
    cr_assert_eq(line[length - 1], '\n');
    cr_assert_null(memchr(line, '\n', length - 1));
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(object, "%s", line);
    return object;
}

Test(log, a_plain_line_says_when_how_bad_who_what)
{
    msp_log(MSP_LOG_INFO, "Event sentence", "key", "value", "key2", "value with spaces", NULL);
    expect_line(
        "INFO http worker 1\\[[0-9]+\\]: Event sentence key=value key2=\"value with spaces\"");
    msp_log(MSP_LOG_ERROR, "No fields", NULL);
    expect_line("ERROR http worker 1\\[[0-9]+\\]: No fields");
}

Test(log, values_that_could_mislead_are_quoted_and_escaped)
{
    static const struct {
        const char *value;
        const char *pattern;
    } table[] = {
        {"", "\"\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\\\"hi\\\\\"\""},
        {"back\\slash", "\"back\\\\\\\\slash\""},
        {"two\nlines\t\r", "\"two\\\\nlines\\\\t\\\\r\""},
        {"\x1b[31m", "\"\\\\x1b\\[31m\""},
        {"\xc2\x9b", "\"\\\\x9b\""},
        {"\xff", "\"\\\\xff\""},
        {"é", "\"é\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char pattern[128];
        snprintf(pattern, sizeof pattern, "DEBUG [^:]+: Event key=%s", table[i].pattern);
        msp_log(MSP_LOG_DEBUG, "Event", "key", table[i].value, NULL);
        expect_line(pattern);
    }
}

Test(log, an_event_cannot_start_a_line_of_its_own)
{
    msp_log(MSP_LOG_INFO, "One\n2026-01-01T00:00:00.000Z ERROR forged", NULL);
    expect_line("INFO [^:]+: One\\\\n2026-01-01T00:00:00.000Z ERROR forged");
}

Test(log, a_field_without_a_value_is_left_out)
{
    msp_log(MSP_LOG_INFO, "Event", "gone", NULL, "there", "1", NULL);
    expect_line("INFO [^:]+: Event there=1");
}

Test(log, lines_below_the_level_are_not_written)
{
    msp_log_configure(MSP_LOG_WARNING, MSP_LOG_PLAIN);
    msp_log(MSP_LOG_INFO, "Quiet", NULL);
    cr_expect_str_eq(next_write(), "");
    msp_log(MSP_LOG_WARNING, "Loud", NULL);
    expect_line("WARNING [^:]+: Loud");
}

Test(log, a_json_line_is_one_object)
{
    msp_log_configure(MSP_LOG_DEBUG, MSP_LOG_JSON);
    msp_log(MSP_LOG_WARNING, "Event \"quoted\"\n", "detail", "a\xff\x01\\ é", "empty", "", NULL);
    json_t *object = next_object();
    cr_expect_str_eq(member(object, "level"), "warning");
    cr_expect_str_eq(member(object, "process"), "http worker 1");
    cr_expect_str_eq(member(object, "event"), "Event \"quoted\"\n");
    cr_expect_str_eq(member(object, "detail"), "a\xEF\xBF\xBD\x01\\ é");
    cr_expect_str_eq(member(object, "empty"), "");
    cr_expect_eq(json_integer_value(json_object_get(object, "pid")), getpid());
    cr_expect_eq(strlen(member(object, "time")), 24);
    json_decref(object);
}

Test(log, a_long_line_is_cut_with_a_mark_and_stays_one_write)
{
    static char text[9000];
    memset(text, 'x', sizeof text - 1);
    msp_log(MSP_LOG_INFO, "Event", "long", text, "behind", "1", NULL);
    const char *line = next_write();
    cr_expect_leq(strlen(line), 4096);
    cr_expect_not_null(strstr(line, " [line cut]\n"));
    cr_expect_str_eq(next_write(), "");
}

Test(log, json_that_was_cut_is_still_json)
{
    static const char *const pieces[] = {"x", "é", "\"", "\n", "\x01", "\xff", "😀"};
    msp_log_configure(MSP_LOG_DEBUG, MSP_LOG_JSON);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (size_t lead = 0; lead < 12; lead++) {
            static char text[9000];
            memset(text, 'y', lead);
            size_t size = strlen(pieces[i]);
            for (size_t at = 0; at < 2000 * size; at++)
                text[lead + at] = pieces[i][at % size];
            text[lead + 2000 * size] = '\0';
            msp_log(MSP_LOG_INFO, "Event", "a", text, "b", text, "c", text, "d", "1", NULL);
            json_t *object = next_object();
            cr_expect(json_is_true(json_object_get(object, "truncated")));
            json_decref(object);
        }
}

Test(log, every_length_around_the_limit_ends_well)
{
    static char text[4200];
    for (int format = MSP_LOG_PLAIN; format <= MSP_LOG_JSON; format++) {
        msp_log_configure(MSP_LOG_DEBUG, (enum msp_log_format)format);
        for (size_t length = 3700; length < sizeof text; length++) {
            memset(text, 'x', length);
            text[length] = '\0';
            msp_log(MSP_LOG_INFO, "Event", "long", text, "more", "two words", NULL);
            const char *line = next_write();
            size_t written = strlen(line);
            cr_assert_leq(written, 4096);
            cr_assert_eq(line[written - 1], '\n');
            json_t *object = json_loadb(line, written, 0, NULL);
            cr_assert_eq(object != NULL, format == MSP_LOG_JSON, "%zu", length);
            json_decref(object);
        }
    }
}

Test(log, errno_is_kept)
{
    errno = ENOTDIR;
    msp_log(MSP_LOG_INFO, "Event", NULL);
    cr_expect_eq(errno, ENOTDIR);
    close(STDERR_FILENO);
    msp_log(MSP_LOG_INFO, "Nobody listens", NULL);
    cr_expect_eq(errno, ENOTDIR);
}

static void *write_lines(void *name)
{
    for (int i = 0; i < 100; i++)
        msp_log(MSP_LOG_INFO, "Event", "who", (const char *)name, NULL);
    return NULL;
}

static void *read_lines(void *out_count)
{
    int *count = out_count;
    char line[8192];
    while (*count < 400) {
        ssize_t length = read(reading_end, line, sizeof line);
        if (length <= 0)
            continue;
        cr_expect_eq(line[length - 1], '\n');
        (*count)++;
    }
    return NULL;
}

Test(log, threads_do_not_mix_their_lines)
{
    static char names[][2] = {"a", "b", "c", "d"};
    pthread_t writers[4];
    pthread_t reader;
    int count = 0;
    fcntl(STDERR_FILENO, F_SETFL, O_DIRECT); /* the writers wait for the reader */
    cr_assert_eq(pthread_create(&reader, NULL, read_lines, &count), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(writers[i], NULL);
    pthread_join(reader, NULL);
    cr_assert_eq(count, 400);
}

static struct msp_log_page *map_page(void)
{
    void *pages = mmap(NULL, msp_log_pages_bytes(), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(pages != MAP_FAILED);
    return msp_log_page_at(pages, 3);
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

Test(log, held_lines_are_written_together_when_asked)
{
    msp_log_hold(map_page());
    for (int i = 0; i < 3; i++)
        msp_log(MSP_LOG_INFO, "Event", NULL);
    cr_expect_str_empty(next_write());
    msp_log_flush();
    cr_expect_eq(count_lines(next_write()), 3);
    msp_log_flush();
    cr_expect_str_empty(next_write(), "a flush of nothing writes nothing");
}

Test(log, a_grave_line_takes_those_held_before_it_along)
{
    msp_log_hold(map_page());
    msp_log(MSP_LOG_INFO, "First", NULL);
    msp_log(MSP_LOG_WARNING, "Second", NULL);
    cr_expect(strstr(next_write(), "First") != NULL);
    cr_expect(strstr(next_write(), "Second") != NULL);
}

Test(log, lines_are_no_longer_held_when_holding_ends)
{
    msp_log_hold(map_page());
    msp_log(MSP_LOG_INFO, "First", NULL);
    msp_log_hold(NULL);
    cr_expect(strstr(next_write(), "First") != NULL);
    msp_log(MSP_LOG_INFO, "Second", NULL);
    cr_expect(strstr(next_write(), "Second") != NULL);
}

Test(log, a_full_page_is_written_in_whole_lines_of_at_most_pipe_buf)
{
    int lines = 0;
    msp_log_hold(map_page());
    for (int i = 0; i < 500; i++) {
        char filler[200];
        memset(filler, 'x', sizeof filler);
        filler[i % 199] = '\0';
        msp_log(MSP_LOG_INFO, "Event", "filler", filler, NULL);
        const char *written = next_write();
        size_t length = strlen(written);
        lines += count_lines(written);
        cr_assert(length <= 4096 && (length == 0 || written[length - 1] == '\n'));
        cr_assert(length == 0 || length > 4096 - 300, "a page that had room was written");
    }
    msp_log_flush();
    cr_expect_eq(lines + count_lines(next_write()), 500);
}

/* A side takes 16 lines with this filler: of three who log ten each one must write the first side,
 * and before that only one can be done. */
#define FILLER_BYTES 180
#define WRITERS      3
#define LINES_EACH   10

static sem_t done;

static void *write_long_lines(void *unused)
{
    char filler[FILLER_BYTES + 1];
    memset(filler, 'x', FILLER_BYTES);
    filler[FILLER_BYTES] = '\0';
    for (int i = 0; i < LINES_EACH; i++)
        msp_log(MSP_LOG_INFO, "Event", "filler", filler, NULL);
    sem_post(&done);
    return unused;
}

Test(log, nobody_waits_for_who_writes_a_full_side, .timeout = 20)
{
    pthread_t writers[WRITERS];
    struct timespec soon;
    int lines = 0;
    sem_init(&done, 0, 0);
    fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096); /* one write fills it */
    cr_assert_eq(write(STDERR_FILENO, "full\n", 5), 5);
    fcntl(STDERR_FILENO, F_SETFL, O_DIRECT); /* whoever writes now waits for a reader */
    msp_log_hold(map_page());
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_long_lines, NULL), 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 10;
    for (int i = 0; i < WRITERS - 1; i++)
        cr_assert_eq(sem_timedwait(&done, &soon), 0, "others wait too");
    cr_assert_eq(sem_trywait(&done), -1, "nobody had to write");
    cr_assert_str_eq(next_write(), "full\n");
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    lines += count_lines(next_write());
    msp_log_flush();
    lines += count_lines(next_write());
    cr_expect_eq(lines, WRITERS * LINES_EACH);
}

Test(log, what_a_killed_process_held_is_written_by_its_heir)
{
    struct msp_log_page *page = map_page();
    pid_t child = fork();
    if (child == 0) {
        msp_log_hold(page);
        msp_log(MSP_LOG_INFO, "Last words", NULL);
        raise(SIGKILL);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_expect_str_empty(next_write());
    msp_log_page_inherit(page);
    cr_expect(strstr(next_write(), "Last words") != NULL);
    msp_log_page_inherit(page);
    cr_expect_str_empty(next_write());
}
