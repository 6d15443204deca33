/*
 * Exported files in a directory tree (file:///path). A stage is the folder PREFIX/.writing/TOKEN
 * on the same file system, so that a rename is all it takes to appear; its lock is a flock on
 * PREFIX/.writing/lock, which the kernel drops with its holder. What an earlier holder left
 * behind is swept by the next one. Never changes a committed file in place.
 */
#include "storage/storage.h"

#include "storage/file_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WRITE_BUFFER_BYTES (256U << 10)
#define NAME_BYTES         128 /* "date=2026-01-31/part-0.csv" and room */
#define WRITING_FOLDER     ".writing"
#define LOCK_FILE          "lock"
#define LOCK_RETRY_MS      100

struct staged_file {
    char name[NAME_BYTES];
};

struct file_stage {
    struct msp_storage_stage base; /* must be first */
    int prefix_fd;
    int writing_fd;
    int lock_fd; /* held = flocked */
    int token_fd;
    char token[NAME_BYTES];
    struct staged_file *files; /* finished, in order; the temporary name is the index */
    size_t count;
    size_t capacity;
    size_t committed; /* so many of them have been renamed */
    int open_fd;      /* the file being written, or -1 */
    EVP_MD_CTX *digest;
    int64_t bytes;
    size_t buffered;
    char buffer[WRITE_BUFFER_BYTES];
};

static enum msp_result failed(struct msp_error *error, const char *doing, const char *what)
{
    return msp_fail(error, MSP_BROKEN, "storage_failed", "Cannot %s %s in the export storage: %s.",
                    doing, what, strerror(errno));
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static void temporary_name(size_t index, char out[32])
{
    (void)snprintf(out, 32, "%zu.tmp", index);
}

/* Makes every folder of a path below `at_fd` that is missing, and makes their names durable. */
static bool make_folders(int at_fd, const char *path)
{
    char part[1024];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdirat(at_fd, part, 0750) != 0 && errno != EEXIST) {
            return false;
        }
    }
    return true;
}

static int open_folder(int at_fd, const char *path)
{
    return openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_files_in(int folder_fd)
{
    int copy = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder == NULL) {
        close_fd(&copy);
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(folder_fd, entry->d_name, 0);
        }
    }
    (void)closedir(folder);
}

/* With the lock held, every other folder here belongs to a writer that is gone. */
static void sweep(int writing_fd)
{
    int copy = openat(writing_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder == NULL) {
        close_fd(&copy);
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, LOCK_FILE) == 0) {
            continue;
        }
        int left_fd = open_folder(writing_fd, entry->d_name);
        if (left_fd >= 0) {
            remove_files_in(left_fd);
            close_fd(&left_fd);
            (void)unlinkat(writing_fd, entry->d_name, AT_REMOVEDIR);
        }
    }
    (void)closedir(folder);
}

static enum msp_result take_lock(struct file_stage *stage,
                                 const struct msp_storage_request *request, struct msp_error *error)
{
    stage->lock_fd = openat(stage->writing_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (stage->lock_fd < 0) {
        return failed(error, "create the lock of", request->prefix);
    }
    while (flock(stage->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return failed(error, "lock", request->prefix);
        }
        if (!request->keep_waiting(request->context)) {
            return msp_fail(error, MSP_BUSY, "export_under_way",
                            "Another export is writing %s; try again when it has ended.",
                            request->prefix);
        }
        struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    return MSP_OK;
}

static enum msp_result open_stage(struct file_stage *stage,
                                  const struct msp_storage_request *request,
                                  struct msp_error *error)
{
    const char *root = request->url + strlen(msp_file_storage.scheme);
    char prefix[2048];
    if (root[0] != '/') {
        return msp_fail(
            error, MSP_INVALID, "storage_malformed",
            "EXPORT_STORAGE must name an absolute path, as in file:///var/lib/exports.");
    }
    int length = snprintf(prefix, sizeof prefix, "%s/%s", root, request->prefix);
    if (length < 0 || (size_t)length >= sizeof prefix ||
        strlen(request->token) >= sizeof stage->token) {
        errno = ENAMETOOLONG;
        return failed(error, "write to", request->prefix);
    }
    if (!make_folders(AT_FDCWD, prefix) || (stage->prefix_fd = open_folder(AT_FDCWD, prefix)) < 0 ||
        !make_folders(stage->prefix_fd, WRITING_FOLDER) ||
        (stage->writing_fd = open_folder(stage->prefix_fd, WRITING_FOLDER)) < 0) {
        return failed(error, "make the folder", request->prefix);
    }
    enum msp_result result = take_lock(stage, request, error);
    if (result != MSP_OK) {
        return result;
    }
    sweep(stage->writing_fd);
    (void)snprintf(stage->token, sizeof stage->token, "%s", request->token);
    if (mkdirat(stage->writing_fd, stage->token, 0750) != 0 ||
        (stage->token_fd = open_folder(stage->writing_fd, stage->token)) < 0) {
        return failed(error, "make a temporary folder for", request->prefix);
    }
    return MSP_OK;
}

static void end_stage(struct msp_storage_stage *base)
{
    struct file_stage *stage = (struct file_stage *)base;
    if (stage == NULL) {
        return;
    }
    close_fd(&stage->open_fd);
    if (stage->token_fd >= 0) {
        remove_files_in(stage->token_fd);
        close_fd(&stage->token_fd);
        (void)unlinkat(stage->writing_fd, stage->token, AT_REMOVEDIR);
    }
    close_fd(&stage->lock_fd);
    close_fd(&stage->writing_fd);
    close_fd(&stage->prefix_fd);
    EVP_MD_CTX_free(stage->digest);
    free(stage->files);
    free(stage);
}

static enum msp_result begin_stage(const struct msp_storage_request *request,
                                   struct msp_storage_stage **out, struct msp_error *error)
{
    struct file_stage *stage = malloc(sizeof *stage);
    if (stage == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write files.");
    }
    memset(stage, 0, offsetof(struct file_stage, buffer));
    stage->base.storage = &msp_file_storage;
    stage->prefix_fd = -1;
    stage->writing_fd = -1;
    stage->lock_fd = -1;
    stage->token_fd = -1;
    stage->open_fd = -1;
    stage->digest = EVP_MD_CTX_new();
    enum msp_result result = stage->digest != NULL ? open_stage(stage, request, error)
                                                   : msp_fail(error, MSP_NO_MEMORY, "no_memory",
                                                              "No memory to write files.");
    if (result != MSP_OK) {
        end_stage(&stage->base);
        return result;
    }
    *out = &stage->base;
    return MSP_OK;
}

static enum msp_result begin_file(struct msp_storage_stage *base, const char *name,
                                  struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    if (strlen(name) >= NAME_BYTES) {
        errno = ENAMETOOLONG;
        return failed(error, "write", name);
    }
    if (stage->count == stage->capacity) {
        size_t capacity = stage->capacity == 0 ? 64 : stage->capacity * 2;
        struct staged_file *files = reallocarray(stage->files, capacity, sizeof *files);
        if (files == NULL) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write files.");
        }
        stage->files = files;
        stage->capacity = capacity;
    }
    char temporary[32];
    temporary_name(stage->count, temporary);
    stage->open_fd =
        openat(stage->token_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (stage->open_fd < 0) {
        return failed(error, "create", name);
    }
    (void)snprintf(stage->files[stage->count].name, NAME_BYTES, "%s", name);
    stage->bytes = 0;
    stage->buffered = 0;
    if (EVP_DigestInit_ex(stage->digest, EVP_sha256(), NULL) != 1) {
        return msp_fail(error, MSP_BROKEN, "storage_failed", "Cannot compute SHA-256.");
    }
    return MSP_OK;
}

static enum msp_result flush(struct file_stage *stage, struct msp_error *error)
{
    if (EVP_DigestUpdate(stage->digest, stage->buffer, stage->buffered) != 1) {
        return msp_fail(error, MSP_BROKEN, "storage_failed", "Cannot compute SHA-256.");
    }
    size_t done = 0;
    while (done < stage->buffered) {
        ssize_t written = write(stage->open_fd, stage->buffer + done, stage->buffered - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return failed(error, "write", stage->files[stage->count].name);
        }
        done += (size_t)written;
    }
    stage->bytes += (int64_t)stage->buffered;
    stage->buffered = 0;
    return MSP_OK;
}

static enum msp_result write_file(struct msp_storage_stage *base, const void *bytes, size_t size,
                                  struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    const char *from = bytes;
    while (size > 0) {
        size_t room = WRITE_BUFFER_BYTES - stage->buffered;
        size_t taken = size < room ? size : room;
        memcpy(stage->buffer + stage->buffered, from, taken);
        stage->buffered += taken;
        from += taken;
        size -= taken;
        if (stage->buffered == WRITE_BUFFER_BYTES) {
            enum msp_result result = flush(stage, error);
            if (result != MSP_OK) {
                return result;
            }
        }
    }
    return MSP_OK;
}

/* The stage's own file of that name, or the committed one. */
static int open_for_reading(struct file_stage *stage, const char *name)
{
    for (size_t i = stage->count; i > 0; i--) {
        if (strcmp(stage->files[i - 1].name, name) == 0) {
            char temporary[32];
            temporary_name(i - 1, temporary);
            return openat(stage->token_fd, temporary, O_RDONLY | O_CLOEXEC);
        }
    }
    return openat(stage->prefix_fd, name, O_RDONLY | O_CLOEXEC);
}

/*
 * Reads straight into the write buffer. copy_file_range would spare the copy but not the
 * reading: every byte goes through SHA-256 anyway.
 */
static enum msp_result append_file(struct msp_storage_stage *base, const char *name,
                                   int64_t skip_bytes, struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    int fd = open_for_reading(stage, name);
    if (fd < 0) {
        return failed(error, "read", name);
    }
    enum msp_result result = MSP_OK;
    off_t at = skip_bytes;
    for (;;) {
        ssize_t taken =
            pread(fd, stage->buffer + stage->buffered, WRITE_BUFFER_BYTES - stage->buffered, at);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        if (taken < 0) {
            result = failed(error, "read", name);
        }
        if (taken <= 0) {
            break;
        }
        at += taken;
        stage->buffered += (size_t)taken;
        if (stage->buffered == WRITE_BUFFER_BYTES) {
            result = flush(stage, error);
            if (result != MSP_OK) {
                break;
            }
        }
    }
    (void)close(fd);
    return result;
}

static enum msp_result end_file(struct msp_storage_stage *base, struct msp_storage_sum *out,
                                struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    enum msp_result result = flush(stage, error);
    if (result != MSP_OK) {
        return result;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(stage->digest, digest, &length) != 1 || length != 32) {
        return msp_fail(error, MSP_BROKEN, "storage_failed", "Cannot compute SHA-256.");
    }
    /* Lets the disk begin, so that the one wait in commit is short. */
    (void)sync_file_range(stage->open_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (close(stage->open_fd) != 0) {
        stage->open_fd = -1;
        return failed(error, "write", stage->files[stage->count].name);
    }
    stage->open_fd = -1;
    for (unsigned i = 0; i < length; i++) {
        (void)snprintf(out->sha256 + 2 * i, 3, "%02x", digest[i]);
    }
    out->bytes = stage->bytes;
    stage->count++;
    return MSP_OK;
}

static bool holds(struct msp_storage_stage *base, const char *name, int64_t bytes, const char *head,
                  size_t head_length)
{
    struct file_stage *stage = (struct file_stage *)base;
    char found[4096];
    int fd = openat(stage->prefix_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    struct stat status;
    bool same = head_length <= sizeof found && fstat(fd, &status) == 0 && status.st_size == bytes &&
                pread(fd, found, head_length, 0) == (ssize_t)head_length &&
                memcmp(found, head, head_length) == 0;
    (void)close(fd);
    return same;
}

/* The folder part of a name, "." if it has none. */
static void folder_of(const char *name, char out[NAME_BYTES])
{
    const char *slash = strrchr(name, '/');
    (void)snprintf(out, NAME_BYTES, "%.*s", slash != NULL ? (int)(slash - name) : 1,
                   slash != NULL ? name : ".");
}

/*
 * Data first, then names: after a power cut each name shows a whole file, the old or the new. One
 * syncfs for all: an export of a year has hundreds of small files, and a flush for each takes
 * longer than writing them.
 */
static enum msp_result commit_stage(struct msp_storage_stage *base, struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    if (syncfs(stage->prefix_fd) != 0) {
        return failed(error, "write", "the files to disk");
    }
    for (; stage->committed < stage->count; stage->committed++) {
        const char *name = stage->files[stage->committed].name;
        char temporary[32];
        char folder[NAME_BYTES];
        temporary_name(stage->committed, temporary);
        folder_of(name, folder);
        if ((strcmp(folder, ".") != 0 && !make_folders(stage->prefix_fd, folder)) ||
            renameat(stage->token_fd, temporary, stage->prefix_fd, name) != 0) {
            return failed(error, "rename", name);
        }
    }
    return syncfs(stage->prefix_fd) == 0 ? MSP_OK : failed(error, "write", "the names to disk");
}

const struct msp_storage msp_file_storage = {
    .scheme = "file://",
    .begin = begin_stage,
    .file_begin = begin_file,
    .file_write = write_file,
    .file_append = append_file,
    .file_end = end_file,
    .holds = holds,
    .commit = commit_stage,
    .end = end_stage,
    .read_range = msp_file_read_range,
};
