/* Files appear whole or not at all, one writer at a time, and nothing is left behind. */
#include "storage/storage.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char url[96];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/msp-storage-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(url, sizeof url, "file://%s/exports", folder);
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
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(file_storage, .init = make_folder, .fini = remove_folder);

static bool never_wait(void *context)
{
    (void)context;
    return false;
}

static enum msp_result begin(const char *token, struct msp_storage_stage **out,
                             struct msp_error *error)
{
    struct msp_storage_request request = {.url = url,
                                          .prefix = "tenant=acme/dataset=tickets",
                                          .token = token,
                                          .keep_waiting = never_wait};
    const struct msp_storage *storage;
    cr_assert(msp_storage_find(url, &storage, error) == MSP_OK);
    return storage->begin(&request, out, error);
}

static struct msp_storage_file *open_file(struct msp_storage_stage *stage, const char *name)
{
    struct msp_storage_file *file;
    struct msp_error error;
    cr_assert(stage->storage->file_begin(stage, name, &file, &error) == MSP_OK, "%s", error.detail);
    return file;
}

static void write_text(struct msp_storage_file *file, const char *text)
{
    struct msp_error error;
    cr_assert(file->stage->storage->file_write(file, text, strlen(text), &error) == MSP_OK);
}

static void put(struct msp_storage_stage *stage, const char *name, const char *text)
{
    struct msp_error error;
    struct msp_storage_file *file = open_file(stage, name);
    write_text(file, text);
    cr_assert(stage->storage->file_end(file, &error) == MSP_OK);
}

static char *content(const char *name)
{
    static char text[4096];
    char path[512];
    snprintf(path, sizeof path, "%s/exports/tenant=acme/dataset=tickets/%s", folder, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    ssize_t length = read(fd, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    close(fd);
    return text;
}

static int files_found;

static int count_file(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)at;
    if (type == FTW_F && strstr(path, "/lock") == NULL)
        files_found++;
    return 0;
}

static int count_files(void)
{
    files_found = 0;
    nftw(folder, count_file, 8, FTW_PHYS);
    return files_found;
}

Test(file_storage, shows_nothing_before_commit_and_everything_after)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    cr_assert(begin("job.1", &stage, &error) == MSP_OK, "%s", error.detail);
    put(stage, "date=2026-01-01/part-0.csv", "abc");
    cr_assert(content("date=2026-01-01/part-0.csv") == NULL);
    cr_assert(stage->storage->commit(stage, &error) == MSP_OK, "%s", error.detail);
    cr_assert_str_eq(content("date=2026-01-01/part-0.csv"), "abc");
    stage->storage->end(stage);
    cr_assert(count_files() == 1);
}

Test(file_storage, leaves_nothing_of_a_stage_that_is_dropped)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    cr_assert(begin("job.1", &stage, &error) == MSP_OK);
    put(stage, "date=2026-01-01/part-0.csv", "abc");
    write_text(open_file(stage, "latest.csv"), "half");
    stage->storage->end(stage);
    cr_assert(count_files() == 0);
}

Test(file_storage, lets_one_writer_in_at_a_time)
{
    struct msp_storage_stage *first;
    struct msp_storage_stage *second;
    struct msp_error error;
    cr_assert(begin("job.1", &first, &error) == MSP_OK);
    cr_assert(begin("job.2", &second, &error) == MSP_BUSY);
    first->storage->end(first);
    cr_assert(begin("job.2", &second, &error) == MSP_OK);
    second->storage->end(second);
}

Test(file_storage, sweeps_what_a_dead_writer_left)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    pid_t child = fork();
    if (child == 0) {
        if (begin("job.1", &stage, &error) == MSP_OK) {
            put(stage, "latest.csv", "half");
        }
        _exit(0);
    }
    cr_assert(waitpid(child, NULL, 0) == child);
    cr_assert(count_files() == 1);
    cr_assert(begin("job.1", &stage, &error) == MSP_OK, "%s", error.detail);
    cr_assert(count_files() == 0);
    stage->storage->end(stage);
}

Test(file_storage, writes_two_files_at_a_time_and_shows_them_in_the_order_they_were_ended)
{
    struct msp_storage_stage *stage;
    struct msp_storage_file *third;
    struct msp_error error;
    cr_assert(begin("job.1", &stage, &error) == MSP_OK);
    struct msp_storage_file *latest = open_file(stage, "latest.csv");
    write_text(latest, "a");
    put(stage, "date=1/part-0.csv", "a");
    struct msp_storage_file *part = open_file(stage, "date=2/part-0.csv");
    write_text(part, "b");
    write_text(latest, "b");
    cr_assert(stage->storage->file_begin(stage, "date=3/part-0.csv", &third, &error) == MSP_BROKEN);
    cr_assert(stage->storage->file_end(part, &error) == MSP_OK);
    cr_assert(stage->storage->file_end(latest, &error) == MSP_OK);
    cr_assert(stage->storage->commit(stage, &error) == MSP_OK);
    cr_assert_str_eq(content("latest.csv"), "ab");
    cr_assert_str_eq(content("date=2/part-0.csv"), "b");
    stage->storage->end(stage);
    cr_assert(count_files() == 3);
}

Test(file_storage, forgets_a_dropped_file_and_leaves_the_committed_one)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    cr_assert(begin("job.1", &stage, &error) == MSP_OK);
    put(stage, "latest.csv", "old");
    cr_assert(stage->storage->commit(stage, &error) == MSP_OK);
    stage->storage->end(stage);
    cr_assert(begin("job.2", &stage, &error) == MSP_OK);
    struct msp_storage_file *file = open_file(stage, "latest.csv");
    write_text(file, "new");
    stage->storage->file_drop(file);
    stage->storage->file_drop(NULL);
    cr_assert(stage->storage->commit(stage, &error) == MSP_OK);
    cr_assert_str_eq(content("latest.csv"), "old");
    stage->storage->end(stage);
    cr_assert(count_files() == 1);
}

Test(file_storage, replaces_many_files_as_it_does_few)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    char name[64];
    for (int round = 0; round < 2; round++) {
        cr_assert(begin("job.1", &stage, &error) == MSP_OK);
        for (int day = 0; day < 40; day++) {
            snprintf(name, sizeof name, "date=%d/part-0.csv", day);
            put(stage, name, round == 0 ? "old" : "new");
        }
        cr_assert(stage->storage->commit(stage, &error) == MSP_OK, "%s", error.detail);
        stage->storage->end(stage);
    }
    cr_assert(count_files() == 40);
    cr_assert_str_eq(content("date=39/part-0.csv"), "new");
}

Test(file_storage, tells_whether_a_committed_file_is_as_long_as_on_record)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    cr_assert(begin("job.1", &stage, &error) == MSP_OK);
    put(stage, "date=1/part-0.csv", "head\r\nrow\r\n");
    cr_assert(!stage->storage->holds(stage, "date=1/part-0.csv", 11));
    cr_assert(stage->storage->commit(stage, &error) == MSP_OK);
    cr_assert(stage->storage->holds(stage, "date=1/part-0.csv", 11));
    cr_assert(stage->storage->holds(stage, "date=1/part-0.csv", -1));
    cr_assert(!stage->storage->holds(stage, "date=1/part-0.csv", 12));
    cr_assert(!stage->storage->holds(stage, "date=2/part-0.csv", 11));
    cr_assert(!stage->storage->holds(stage, "date=2/part-0.csv", -1));
    cr_assert(!stage->storage->holds(stage, "date=1", -1));
    stage->storage->end(stage);
}

Test(file_storage, says_why_a_write_failed_and_cleans_up)
{
    struct msp_storage_stage *stage;
    struct msp_error error;
    char block[8192];
    enum msp_result result = MSP_OK;
    memset(block, 'x', sizeof block);
    cr_assert(begin("job.1", &stage, &error) == MSP_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct msp_storage_file *file = open_file(stage, "latest.csv");
    for (int i = 0; i < 100 && result == MSP_OK; i++) {
        result = stage->storage->file_write(file, block, sizeof block, &error);
    }
    cr_assert(result == MSP_BROKEN);
    cr_assert_str_eq(error.code, "storage_failed");
    cr_assert(strstr(error.detail, "File too large") != NULL, "%s", error.detail);
    stage->storage->end(stage);
    cr_assert(count_files() == 0);
}

Test(file_storage, refuses_other_addresses)
{
    const struct msp_storage *storage;
    struct msp_storage_stage *stage;
    struct msp_error error;
    cr_assert(msp_storage_find("ftp://host/x", &storage, &error) == MSP_INVALID);
    (void)snprintf(url, sizeof url, "%s", "file://relative/path");
    cr_assert(begin("job.1", &stage, &error) == MSP_INVALID);
}
