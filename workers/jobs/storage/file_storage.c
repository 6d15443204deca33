/*
 * Exported files in a directory tree (file:///path). A stage is the folder PREFIX/.writing/TOKEN
 * on the same file system, so that a rename is all it takes to appear; its lock is a flock on
 * PREFIX/.writing/lock, which the kernel drops with its holder. What an earlier holder left
 * behind is swept by the next one. Never changes a committed file in place.
 */
#include "storage/storage.h"

#include "storage/file_read.h"
#include "storage/file_remove.h"
#include "storage/replaced_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_BYTES     128 /* "date=2026-01-31/part-0.csv.gz" and room */
#define WRITING_FOLDER ".writing"
#define LOCK_FILE      "lock"
#define LOCK_RETRY_MS  100
/* A flush of the whole file system writes what others left dirty too, but costs the same for any
 * number of files: from about here it is the shorter wait. */
#define FEW_FILES 16
/* So much lets the disk begin while we go on, so that the wait in commit is short. */
#define WRITE_BEHIND_BYTES (8LL << 20)

struct file_writer {
    struct msp_storage_file base; /* must be first */
    int fd;                       /* -1 = free */
    unsigned number;              /* its temporary name */
    char name[NAME_BYTES];
    int64_t bytes;
    int64_t sent_bytes; /* so many were given to the disk */
};

struct staged_file {
    char name[NAME_BYTES];
    unsigned number;
};

struct file_stage {
    struct msp_storage_stage base; /* must be first */
    int prefix_fd;
    int writing_fd;
    int lock_fd; /* held = flocked */
    int token_fd;
    char token[NAME_BYTES];
    struct file_writer writers[MSP_STORAGE_OPEN_FILES];
    unsigned begun;            /* files, to number them */
    struct staged_file *files; /* ended, in order */
    size_t count;
    size_t capacity;
    size_t committed; /* so many of them have been renamed */
    bool new_folders;
    struct msp_replaced_files replaced;
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

static void temporary_name(unsigned number, char out[32])
{
    (void)snprintf(out, 32, "%u.tmp", number);
}

/* Makes every folder of a path below `at_fd` that is missing; *made is set if there was one. */
static bool make_folders(int at_fd, const char *path, bool *made)
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
        bool is_new = mkdirat(at_fd, part, 0750) == 0;
        if (!is_new && errno != EEXIST) {
            return false;
        }
        *made |= is_new;
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

/*
 * Asks ext4 to put each writer's folder, and so its files, somewhere else on the disk (chattr +T).
 * Where it has no journal it looks, for each new file, at every inode freed near by in the last
 * minutes: an export that replaces hundreds of files freed hundreds. Others ignore the wish.
 */
static void spread_folders(int folder_fd)
{
    int flags = 0;
    if (ioctl(folder_fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_TOPDIR_FL) == 0) {
        flags |= FS_TOPDIR_FL;
        (void)ioctl(folder_fd, FS_IOC_SETFLAGS, &flags);
    }
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
    if (!make_folders(AT_FDCWD, prefix, &stage->new_folders) ||
        (stage->prefix_fd = open_folder(AT_FDCWD, prefix)) < 0 ||
        !make_folders(stage->prefix_fd, WRITING_FOLDER, &stage->new_folders) ||
        (stage->writing_fd = open_folder(stage->prefix_fd, WRITING_FOLDER)) < 0) {
        return failed(error, "make the folder", request->prefix);
    }
    enum msp_result result = take_lock(stage, request, error);
    if (result != MSP_OK) {
        return result;
    }
    sweep(stage->writing_fd);
    spread_folders(stage->writing_fd);
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
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        close_fd(&stage->writers[i].fd);
    }
    msp_replaced_files_release(&stage->replaced);
    if (stage->token_fd >= 0) {
        remove_files_in(stage->token_fd);
        close_fd(&stage->token_fd);
        (void)unlinkat(stage->writing_fd, stage->token, AT_REMOVEDIR);
    }
    close_fd(&stage->lock_fd);
    close_fd(&stage->writing_fd);
    close_fd(&stage->prefix_fd);
    free(stage->files);
    free(stage);
}

static enum msp_result begin_stage(const struct msp_storage_request *request,
                                   struct msp_storage_stage **out, struct msp_error *error)
{
    struct file_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write files.");
    }
    stage->base.storage = &msp_file_storage;
    stage->prefix_fd = -1;
    stage->writing_fd = -1;
    stage->lock_fd = -1;
    stage->token_fd = -1;
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        stage->writers[i] = (struct file_writer){.base.stage = &stage->base, .fd = -1};
    }
    enum msp_result result = open_stage(stage, request, error);
    if (result != MSP_OK) {
        end_stage(&stage->base);
        return result;
    }
    *out = &stage->base;
    return MSP_OK;
}

static struct file_writer *free_writer(struct file_stage *stage)
{
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        if (stage->writers[i].fd < 0) {
            return &stage->writers[i];
        }
    }
    return NULL;
}

static enum msp_result begin_file(struct msp_storage_stage *base, const char *name,
                                  struct msp_storage_file **out, struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    struct file_writer *writer = free_writer(stage);
    if (writer == NULL || strlen(name) >= NAME_BYTES) {
        errno = writer == NULL ? EMFILE : ENAMETOOLONG;
        return failed(error, "write", name);
    }
    char temporary[32];
    temporary_name(stage->begun, temporary);
    writer->fd = openat(stage->token_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (writer->fd < 0) {
        return failed(error, "create", name);
    }
    (void)snprintf(writer->name, sizeof writer->name, "%s", name);
    writer->number = stage->begun++;
    writer->bytes = 0;
    writer->sent_bytes = 0;
    *out = &writer->base;
    return MSP_OK;
}

static enum msp_result write_file(struct msp_storage_file *base, const void *bytes, size_t size,
                                  struct msp_error *error)
{
    struct file_writer *writer = (struct file_writer *)base;
    const char *from = bytes;
    for (size_t done = 0; done < size;) {
        ssize_t written = write(writer->fd, from + done, size - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return failed(error, "write", writer->name);
        }
        done += (size_t)written;
    }
    writer->bytes += (int64_t)size;
    if (writer->bytes - writer->sent_bytes >= WRITE_BEHIND_BYTES) {
        (void)sync_file_range(writer->fd, writer->sent_bytes, writer->bytes - writer->sent_bytes,
                              SYNC_FILE_RANGE_WRITE);
        writer->sent_bytes = writer->bytes;
    }
    return MSP_OK;
}

static void drop_file(struct msp_storage_file *base)
{
    struct file_writer *writer = (struct file_writer *)base;
    if (writer == NULL) {
        return;
    }
    const struct file_stage *stage = (const struct file_stage *)base->stage;
    char temporary[32];
    temporary_name(writer->number, temporary);
    close_fd(&writer->fd);
    (void)unlinkat(stage->token_fd, temporary, 0);
}

static enum msp_result end_file(struct msp_storage_file *base, struct msp_error *error)
{
    struct file_writer *writer = (struct file_writer *)base;
    struct file_stage *stage = (struct file_stage *)base->stage;
    if (stage->count == stage->capacity) {
        size_t capacity = stage->capacity == 0 ? 64 : stage->capacity * 2;
        struct staged_file *files = reallocarray(stage->files, capacity, sizeof *files);
        if (files == NULL) {
            drop_file(base);
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write files.");
        }
        stage->files = files;
        stage->capacity = capacity;
    }
    int closed = close(writer->fd); /* some file systems say only here that the disk is full */
    writer->fd = -1;
    if (closed != 0) {
        return failed(error, "write", writer->name);
    }
    struct staged_file *file = &stage->files[stage->count++];
    memcpy(file->name, writer->name, sizeof file->name);
    file->number = writer->number;
    return MSP_OK;
}

static bool holds(struct msp_storage_stage *base, const char *name, int64_t bytes)
{
    const struct file_stage *stage = (const struct file_stage *)base;
    struct stat status;
    return fstatat(stage->prefix_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode) && (bytes < 0 || status.st_size == bytes);
}

/* The folder part of a name, "." if it has none. */
static void folder_of(const char *name, char out[NAME_BYTES])
{
    const char *slash = strrchr(name, '/');
    (void)snprintf(out, NAME_BYTES, "%.*s", slash != NULL ? (int)(slash - name) : 1,
                   slash != NULL ? name : ".");
}

static bool flush_path(int at_fd, const char *path)
{
    int fd = openat(at_fd, path, O_RDONLY | O_CLOEXEC);
    bool flushed = fd >= 0 && fsync(fd) == 0;
    int reason = errno;
    close_fd(&fd);
    errno = reason;
    return flushed;
}

static bool flush_each(const struct file_stage *stage, bool names)
{
    bool good = true;
    for (size_t i = 0; i < stage->count && good; i++) {
        char path[NAME_BYTES];
        if (names) {
            folder_of(stage->files[i].name, path);
            good = flush_path(stage->prefix_fd, path);
        } else {
            temporary_name(stage->files[i].number, path);
            good = flush_path(stage->token_fd, path);
        }
    }
    return good && (!names || fsync(stage->prefix_fd) == 0);
}

/* Renames it to its name, in a folder that may have to be made. */
static bool show_file(struct file_stage *stage, const struct staged_file *file)
{
    char temporary[32];
    char folder[NAME_BYTES];
    temporary_name(file->number, temporary);
    msp_replaced_files_keep(&stage->replaced, stage->prefix_fd, file->name);
    if (renameat(stage->token_fd, temporary, stage->prefix_fd, file->name) == 0) {
        return true;
    }
    folder_of(file->name, folder);
    return errno == ENOENT && strcmp(folder, ".") != 0 &&
           make_folders(stage->prefix_fd, folder, &stage->new_folders) &&
           renameat(stage->token_fd, temporary, stage->prefix_fd, file->name) == 0;
}

/* Data first, then names: after a power cut each name shows a whole file, the old or the new. */
static enum msp_result commit_stage(struct msp_storage_stage *base, struct msp_error *error)
{
    struct file_stage *stage = (struct file_stage *)base;
    bool few = stage->count <= FEW_FILES && !stage->new_folders;
    if (few ? !flush_each(stage, false) : syncfs(stage->prefix_fd) != 0) {
        return failed(error, "write", "the files to disk");
    }
    msp_replaced_files_init(&stage->replaced, few ? 0 : stage->count);
    for (; stage->committed < stage->count; stage->committed++) {
        if (!show_file(stage, &stage->files[stage->committed])) {
            return failed(error, "rename", stage->files[stage->committed].name);
        }
    }
    few = few && !stage->new_folders;
    if (few ? !flush_each(stage, true) : syncfs(stage->prefix_fd) != 0) {
        return failed(error, "write", "the names to disk");
    }
    return MSP_OK;
}

const struct msp_storage msp_file_storage = {
    .scheme = "file://",
    .begin = begin_stage,
    .file_begin = begin_file,
    .file_write = write_file,
    .file_end = end_file,
    .file_drop = drop_file,
    .holds = holds,
    .commit = commit_stage,
    .end = end_stage,
    .read_range = msp_file_read_range,
    .remove_all = msp_file_remove_all,
};
