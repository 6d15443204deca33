/* The status board and the shared map: made whole, read by others, never believed blindly; and what
 * a child does with them. */
#include "msp/child.h"
#include "msp/no_value.h"
#include "msp/shared_map.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char state_dir[64];
static char board_path[80];

static void make_state_dir(void)
{
    (void)snprintf(state_dir, sizeof state_dir, "/tmp/msp-board-XXXXXX");
    cr_assert(mkdtemp(state_dir) != NULL);
    (void)snprintf(board_path, sizeof board_path, "%s/board", state_dir);
}

static void drop_state_dir(void)
{
    (void)unlink(board_path);
    cr_expect(rmdir(state_dir) == 0, "something was left in %s", state_dir);
}

TestSuite(status_board, .init = make_state_dir, .fini = drop_state_dir);

static struct msp_status_board *create_board(void)
{
    struct msp_status_board *board = NULL;
    struct msp_error error = {.detail = ""};
    cr_assert(msp_status_board_create(state_dir, &board, &error) == MSP_OK, "%s", error.detail);
    return board;
}

Test(status_board, is_a_private_file_that_others_map)
{
    struct msp_status_board *board = create_board();
    const struct msp_status_board *seen = NULL;
    struct msp_error error;
    struct stat status;
    cr_assert(stat(board_path, &status) == 0);
    cr_expect((status.st_mode & 0777) == 0600);
    cr_expect(board->master_pid == (int32_t)getpid());
    cr_expect(board->started_us > 0);

    cr_assert(msp_status_board_open(state_dir, &seen, &error) == MSP_OK);
    msp_board_add(&board->slots[3].requests, 5);
    msp_board_add(&board->slots[3].requests, -2);
    cr_expect(msp_board_read(&seen->slots[3].requests) == 3);
    msp_status_board_close(seen);
    msp_status_board_close(board);
}

Test(status_board, counts_each_run_in_its_own_bucket)
{
    struct msp_board_job_kind kind = {0};
    static const int64_t runs_us[] = {0, 100000, 100001, 3600000000, 3600000001};
    int64_t sum_us = 0;
    for (size_t i = 0; i < sizeof runs_us / sizeof runs_us[0]; i++) {
        msp_board_add_run(&kind, runs_us[i]);
        sum_us += runs_us[i];
    }
    cr_expect(kind.run_count == 5 && kind.run_us_sum == sum_us);
    cr_expect(kind.run_buckets[0] == 2 && kind.run_buckets[1] == 1);
    cr_expect(kind.run_buckets[MSP_BOARD_RUN_BUCKETS - 2] == 1);
    cr_expect(kind.run_buckets[MSP_BOARD_RUN_BUCKETS - 1] == 1);
}

Test(status_board, is_replaced_whole_by_the_next_master)
{
    struct msp_status_board *old = create_board();
    old->restarts = 7;
    struct msp_status_board *board = create_board();
    cr_expect(board->restarts == 0);
    cr_expect(old->restarts == 7, "a reader of the old board keeps it");
    msp_status_board_close(old);
    msp_status_board_close(board);
}

Test(status_board, is_not_found_without_a_server)
{
    const struct msp_status_board *seen = NULL;
    struct msp_error error;
    cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_NOT_FOUND);
    cr_expect(msp_status_board_open("/nowhere/at/all", &seen, &error) == MSP_NOT_FOUND);
    cr_expect(seen == NULL);
}

Test(status_board, is_not_found_once_its_master_is_gone)
{
    struct msp_status_board *board = create_board();
    const struct msp_status_board *seen = NULL;
    struct msp_error error;
    pid_t gone = fork();
    if (gone == 0) {
        _exit(0);
    }
    cr_assert(gone > 0 && waitpid(gone, NULL, 0) == gone);
    const int32_t dead[] = {gone, 0, -1};
    for (size_t i = 0; i < sizeof dead / sizeof dead[0]; i++) {
        board->master_pid = dead[i];
        cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_NOT_FOUND);
    }
    msp_status_board_close(board);
}

Test(status_board, is_refused_when_it_is_another_version_or_no_board)
{
    struct msp_status_board *board = create_board();
    const struct msp_status_board *seen = NULL;
    struct msp_error error;
    board->magic[7] = '9';
    cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_BROKEN);
    msp_status_board_close(board);
    cr_assert(truncate(board_path, 10) == 0);
    cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_BROKEN);
    cr_assert(unlink(board_path) == 0 && mkfifo(board_path, 0600) == 0);
    cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_BROKEN);
    cr_assert(unlink(board_path) == 0 && symlink("/etc/passwd", board_path) == 0);
    cr_expect(msp_status_board_open(state_dir, &seen, &error) == MSP_UNAVAILABLE);
    cr_expect(seen == NULL);
}

Test(status_board, cannot_be_made_in_a_folder_that_is_not_there)
{
    struct msp_status_board *board = NULL;
    struct msp_error error;
    char too_long[5000];
    memset(too_long, 'a', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    cr_expect(msp_status_board_create("/nowhere/at/all", &board, &error) == MSP_UNAVAILABLE);
    cr_expect(msp_status_board_create(too_long, &board, &error) == MSP_INVALID);
    cr_expect(board == NULL);
}

/* The signal that a write to `byte` ends a child with; 0 = none. */
static int signal_of_write(const struct msp_shared_map *map, enum msp_shared_map_writer writer,
                           void *byte)
{
    pid_t child = fork();
    if (child == 0) {
        struct msp_error error;
        /* Under a sanitizer the default action is what we want to see, not its report. */
        (void)signal(SIGSEGV, SIG_DFL);
        if (msp_shared_map_restrict(map, writer, &error) != MSP_OK) {
            _exit(1);
        }
        *(volatile char *)byte = 0;
        _exit(0);
    }
    int status = 0;
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

Test(status_board, shared_map_lets_each_write_only_what_is_its_own)
{
    struct msp_shared_map map;
    struct msp_error error;
    cr_assert(msp_shared_map_create(state_dir, &map, &error) == MSP_OK);
    cr_expect(signal_of_write(&map, MSP_SHARED_READER, map.tenants) == SIGSEGV);
    cr_expect(signal_of_write(&map, MSP_SHARED_READER, map.settings) == SIGSEGV);
    cr_expect(signal_of_write(&map, MSP_SHARED_READER, map.board->slots) == 0);
    cr_expect(signal_of_write(&map, MSP_SHARED_KEEPER, map.tenants) == 0);
    cr_expect(signal_of_write(&map, MSP_SHARED_KEEPER, map.settings) == SIGSEGV);
    msp_status_board_close(map.board);
}

Test(status_board, shared_map_carries_what_another_process_publishes)
{
    struct msp_shared_map map;
    struct msp_error error;
    cr_assert(msp_shared_map_create(state_dir, &map, &error) == MSP_OK);
    pid_t keeper = fork();
    if (keeper == 0) {
        struct msp_tenant tenant = {.id = 5, .slug = "acme"};
        _exit(msp_tenant_cache_publish(map.tenants, &tenant, 1, NULL) == MSP_OK ? 0 : 1);
    }
    int status = 1;
    struct msp_tenant found;
    cr_assert(keeper > 0 && waitpid(keeper, &status, 0) == keeper && status == 0);
    cr_expect(msp_tenant_cache_find(map.tenants, "acme", &found) && found.id == 5);
    msp_status_board_close(map.board);
}

Test(status_board, child_says_once_that_it_serves_and_hears_when_to_leave)
{
    struct msp_status_board *board = create_board();
    int ready[2];
    int stop[2];
    cr_assert(pipe(ready) == 0 && pipe(stop) == 0);
    struct msp_child child = {.slot = &board->slots[0], .ready_fd = ready[1], .stop_fd = stop[0]};
    char byte;

    cr_expect(!msp_child_should_stop(&child, 0));
    cr_expect(!msp_child_should_stop(&child, 20));
    msp_child_ready(&child);
    cr_expect(read(ready[0], &byte, 1) == 1);
    cr_expect(board->slots[0].state == MSP_PROCESS_READY);

    cr_assert(write(stop[1], "x", 1) == 1);
    for (int i = 0; i < 3; i++) {
        cr_expect(msp_child_should_stop(&child, 1000), "looking must not consume it");
    }
    msp_status_board_close(board);
}

Test(status_board, job_socket_path_ends_at_107_bytes)
{
    struct msp_settings *settings = calloc(1, sizeof *settings);
    struct msp_error error;
    char path[108];
    cr_assert(settings != NULL);
    memset(settings->state_dir, 'a', 97);
    settings->state_dir[0] = '/';
    cr_assert(msp_job_socket_path(settings, path, sizeof path, &error) == MSP_OK);
    cr_expect(strlen(path) == 107);
    cr_expect_str_eq(path + 97, "/jobs.sock");
    cr_expect(msp_job_socket_path(settings, path, 107, &error) == MSP_INVALID);
    settings->state_dir[97] = 'a';
    cr_expect(msp_job_socket_path(settings, path, sizeof path, &error) == MSP_INVALID);
    free(settings);
}

Test(status_board, the_lag_of_a_source_is_told_only_where_one_was_drained)
{
    struct msp_board_source source = {.oldest_drained_us = MSP_NO_TIME};
    cr_expect(msp_board_lag_seconds(&source, 1795392264535194) < 0);
    source.oldest_drained_us = 1795392264535194 - 90 * 1000000;
    cr_expect_eq(msp_board_lag_seconds(&source, 1795392264535194), 90);
    source.oldest_drained_us = 1795392264535194 + 5;
    cr_expect_eq(msp_board_lag_seconds(&source, 1795392264535194), 0, "clocks of two nodes differ");
}
