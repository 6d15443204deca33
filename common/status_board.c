/*
 * The status board: a file of fixed layout that the master maps before the
 * first fork and anybody of the same user may map to read. It decides nothing.
 */
#include "msp/status_board.h"

#include "msp/clock.h"
#include "msp/no_value.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char board_magic[8] = {'m', 's', 'p', 'b', 'o', 'a', 'r', '4'};

const int64_t msp_board_run_bounds_us[MSP_BOARD_RUN_BUCKETS - 1] = {
    100000, 500000, 1000000, 5000000, 15000000, 60000000, 300000000, 900000000, 3600000000};

const int64_t msp_board_latency_bounds_us[MSP_BOARD_LATENCY_BUCKETS - 1] = {
    1000, 5000, 25000, 100000, 250000, 1000000, 2500000, 10000000};

const char *const msp_board_purposes[MSP_BOARD_PURPOSES] = {"callback", "source", "s3",
                                                            "model",    "slack",  "other"};

static_assert(sizeof(struct msp_board_slot) % 64 == 0, "a slot shares no cache line");
static_assert(sizeof((struct msp_status_board *)0)->magic == sizeof board_magic, "magic fits");

static enum msp_result make_path(char *out, size_t size, const char *state_dir, const char *name,
                                 struct msp_error *error)
{
    int length = snprintf(out, size, "%s/%s", state_dir, name);
    if (length < 0 || (size_t)length >= size) {
        return msp_fail(error, MSP_INVALID, "state_dir_too_long",
                        "STATE_DIR is too long for a path; choose a shorter one.");
    }
    return MSP_OK;
}

static enum msp_result fail_with_errno(struct msp_error *error, const char *what, const char *path)
{
    int reason = errno;
    return msp_fail(error, reason == ENOMEM ? MSP_NO_MEMORY : MSP_UNAVAILABLE, "status_board",
                    "Cannot %s %s: %s. Check that STATE_DIR exists, has room and belongs to the "
                    "user of the server.",
                    what, path, strerror(reason));
}

static void fill_in(struct msp_status_board *board)
{
    memset(board, 0, sizeof *board);
    board->master_pid = (int32_t)getpid();
    board->started_us = msp_clock_unix_us();
    memcpy(board->magic, board_magic, sizeof board_magic);
}

/* Maps and fills a new file of the board's size; its blocks are taken now, since a full disk would
 * be a SIGBUS later. */
static enum msp_result map_new_file(int fd, const char *path, struct msp_status_board **out,
                                    struct msp_error *error)
{
    int full = posix_fallocate(fd, 0, (off_t)sizeof(struct msp_status_board));
    if (full != 0) {
        errno = full;
        return fail_with_errno(error, "make room for", path);
    }
    void *memory =
        mmap(NULL, sizeof(struct msp_status_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return fail_with_errno(error, "map", path);
    }
    fill_in(memory);
    *out = memory;
    return MSP_OK;
}

enum msp_result msp_status_board_create(const char *state_dir, struct msp_status_board **out,
                                        struct msp_error *error)
{
    char path[PATH_MAX];
    char new_path[PATH_MAX];
    enum msp_result result = make_path(path, sizeof path, state_dir, "board", error);
    if (result == MSP_OK) {
        result = make_path(new_path, sizeof new_path, state_dir, "board.new", error);
    }
    if (result != MSP_OK) {
        return result;
    }

    /* Left behind by a start that was cut short; O_EXCL then refuses whatever else stands there. */
    (void)unlink(new_path);
    int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_with_errno(error, "create", new_path);
    }
    struct msp_status_board *board = NULL;
    result = map_new_file(fd, new_path, &board, error);
    if (result == MSP_OK && rename(new_path, path) != 0) {
        result = fail_with_errno(error, "put in place", path);
    }
    (void)close(fd);
    if (result != MSP_OK) {
        (void)unlink(new_path);
        msp_status_board_close(board);
        return result;
    }
    *out = board;
    return MSP_OK;
}

static enum msp_result fail_no_server(struct msp_error *error, const char *state_dir)
{
    return msp_fail(error, MSP_NOT_FOUND, "server_not_running",
                    "No server runs with STATE_DIR %s; start it, or name the STATE_DIR of the one "
                    "that runs.",
                    state_dir);
}

static bool is_alive(int32_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static enum msp_result map_existing_file(int fd, const char *path, const char *state_dir,
                                         const struct msp_status_board **out,
                                         struct msp_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return fail_with_errno(error, "look at", path);
    }
    if (!S_ISREG(status.st_mode) || status.st_size != (off_t)sizeof(struct msp_status_board)) {
        return msp_fail(error, MSP_BROKEN, "status_board_unknown",
                        "%s is not a status board of this version; use the program that the "
                        "server was started with.",
                        path);
    }
    void *memory = mmap(NULL, sizeof(struct msp_status_board), PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return fail_with_errno(error, "map", path);
    }
    const struct msp_status_board *board = memory;
    if (memcmp(board->magic, board_magic, sizeof board_magic) != 0) {
        msp_status_board_close(board);
        return msp_fail(error, MSP_BROKEN, "status_board_unknown",
                        "%s was written by another version; use the program that the server was "
                        "started with.",
                        path);
    }
    if (!is_alive(__atomic_load_n(&board->master_pid, __ATOMIC_RELAXED))) {
        msp_status_board_close(board);
        return fail_no_server(error, state_dir);
    }
    *out = board;
    return MSP_OK;
}

enum msp_result msp_status_board_open(const char *state_dir, const struct msp_status_board **out,
                                      struct msp_error *error)
{
    char path[PATH_MAX];
    enum msp_result result = make_path(path, sizeof path, state_dir, "board", error);
    if (result != MSP_OK) {
        return result;
    }
    /* O_NONBLOCK: a FIFO of that name must not hold us. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return fail_no_server(error, state_dir);
    }
    if (fd < 0) {
        return fail_with_errno(error, "open", path);
    }
    result = map_existing_file(fd, path, state_dir, out, error);
    (void)close(fd);
    return result;
}

void msp_status_board_close(const struct msp_status_board *board)
{
    if (board != NULL) {
        union {
            const struct msp_status_board *board;
            void *memory;
        } map = {.board = board}; /* munmap takes no const */
        (void)munmap(map.memory, sizeof *board);
    }
}

void msp_board_add(int64_t *counter, int64_t by)
{
    (void)__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

int64_t msp_board_read(const int64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void msp_board_set(int64_t *figure, int64_t value)
{
    __atomic_store_n(figure, value, __ATOMIC_RELAXED);
}

/* Acquire, so that what is read after it (`change`, at last) is not read before it. A fence would
 * do for all of them at once, but ThreadSanitizer does not know fences. */
static int64_t read_in_order(const int64_t *figure)
{
    return __atomic_load_n(figure, __ATOMIC_ACQUIRE);
}

static void add_counters(struct msp_board_totals *totals, const struct msp_board_slot *slot)
{
    totals->requests += read_in_order(&slot->requests);
    totals->request_errors += read_in_order(&slot->request_errors);
    totals->pool_refused += read_in_order(&slot->pool_refused);
}

void msp_board_bury(struct msp_status_board *board, struct msp_board_slot *slot)
{
    struct msp_board_ended *ended = &board->ended;
    (void)__atomic_fetch_add(&ended->change, 1, __ATOMIC_ACQ_REL);
    add_counters(&ended->totals, slot);
    memset(slot, 0, sizeof *slot);
    (void)__atomic_fetch_add(&ended->change, 1, __ATOMIC_RELEASE);
}

static void sum_once(const struct msp_status_board *board, struct msp_board_totals *out)
{
    const struct msp_board_totals *ended = &board->ended.totals;
    *out = (struct msp_board_totals){
        .requests = read_in_order(&ended->requests),
        .request_errors = read_in_order(&ended->request_errors),
        .pool_refused = read_in_order(&ended->pool_refused),
    };
    for (size_t i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_board_slot *slot = &board->slots[i];
        add_counters(out, slot);
        out->connections += msp_board_read(&slot->connections);
        out->pool_size += msp_board_read(&slot->pool_size);
        out->pool_in_use += msp_board_read(&slot->pool_in_use);
    }
}

void msp_board_sum(const struct msp_status_board *board, struct msp_board_totals *out)
{
    struct msp_board_totals sum;
    /* A master that was killed in the middle leaves `change` odd: then its last word is good
     * enough. A change takes a microsecond. */
    for (int look = 0; look < 1000; look++) {
        uint64_t before = __atomic_load_n(&board->ended.change, __ATOMIC_ACQUIRE);
        sum_once(board, &sum);
        if (before % 2 == 0 && before == __atomic_load_n(&board->ended.change, __ATOMIC_RELAXED)) {
            break;
        }
    }
    *out = sum;
}

void msp_board_add_run(struct msp_board_job_kind *kind, int64_t run_us)
{
    int bucket = 0;
    while (bucket < MSP_BOARD_RUN_BUCKETS - 1 && run_us > msp_board_run_bounds_us[bucket]) {
        bucket++;
    }
    msp_board_add(&kind->run_buckets[bucket], 1);
    msp_board_add(&kind->run_us_sum, run_us);
    msp_board_add(&kind->run_count, 1);
}

void msp_board_add_request(struct msp_board_route *route, int status, int64_t us)
{
    int bucket = 0;
    while (bucket < MSP_BOARD_LATENCY_BUCKETS - 1 && us > msp_board_latency_bounds_us[bucket]) {
        bucket++;
    }
    int status_class = status / 100 - 1;
    msp_board_add(&route->buckets[bucket], 1);
    msp_board_add(&route->us_sum, us);
    msp_board_add(&route->statuses[status_class < 0 || status_class > 4 ? 4 : status_class], 1);
}

struct msp_board_egress *msp_board_egress_of(struct msp_status_board *board, const char *purpose)
{
    size_t row = 0;
    while (row < MSP_BOARD_PURPOSES - 1 && strcmp(msp_board_purposes[row], purpose) != 0) {
        row++;
    }
    return &board->egress[row];
}

int64_t msp_board_lag_seconds(const struct msp_board_source *source, int64_t now_unix_us)
{
    int64_t drained_us = msp_board_read(&source->oldest_drained_us);
    if (drained_us == MSP_NO_TIME) {
        return -1;
    }
    return drained_us < now_unix_us ? (now_unix_us - drained_us) / 1000000 : 0;
}
