/*
 * Parts of exported files in a directory tree. A commit renames, so a file never changes in place
 * and its inode with its times says which content it is. Never leaves the storage's folder.
 */
#include "storage/file_read.h"

#include "msp/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (64U << 10)

/* A location comes from our own table; this is the second lock on that door. */
static bool stays_inside(const char *location)
{
    if (location[0] == '\0' || location[0] == '/') {
        return false;
    }
    for (const char *part = location; *part != '\0';) {
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0) {
            return false;
        }
        part += length + (part[length] == '/' ? 1 : 0);
    }
    return true;
}

static enum msp_result fail_reading(const struct msp_storage_read *read, struct msp_error *error)
{
    if (errno == ENOENT || errno == ENOTDIR) {
        return msp_fail(error, MSP_NOT_FOUND, "file_missing",
                        "The export storage no longer holds %s; export it again.", read->location);
    }
    return msp_fail(error, MSP_BROKEN, "storage_failed",
                    "Cannot read %s in the export storage: %s.", read->location, strerror(errno));
}

static enum msp_result open_file(const struct msp_storage_read *read, int *out_fd,
                                 struct msp_error *error)
{
    char path[PATH_MAX];
    const char *root = read->url + strlen(msp_file_storage.scheme);
    int length = snprintf(path, sizeof path, "%s/%s", root, read->location);
    if (!stays_inside(read->location) || length < 0 || (size_t)length >= sizeof path) {
        return msp_fail(error, MSP_BROKEN, "location_malformed",
                        "\"%s\" is no place below EXPORT_STORAGE.", read->location);
    }
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not hold us */
    if (fd < 0) {
        return fail_reading(read, error);
    }
    *out_fd = fd;
    return MSP_OK;
}

static void describe(const struct stat *status, char out[MSP_STORAGE_VERSION_BYTES])
{
    (void)snprintf(out, MSP_STORAGE_VERSION_BYTES, "%jx-%jx-%jx-%jd.%09ld",
                   (uintmax_t)status->st_dev, (uintmax_t)status->st_ino, (uintmax_t)status->st_size,
                   (intmax_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

static enum msp_result check_version(int fd, struct msp_storage_read *read, struct msp_error *error)
{
    struct stat status;
    char version[MSP_STORAGE_VERSION_BYTES];
    if (fstat(fd, &status) != 0) {
        return fail_reading(read, error);
    }
    if (!S_ISREG(status.st_mode)) {
        return msp_fail(error, MSP_BROKEN, "storage_failed",
                        "%s in the export storage is not a file.", read->location);
    }
    describe(&status, version);
    if (read->version[0] != '\0' && strcmp(read->version, version) != 0) {
        return msp_fail(error, MSP_CONFLICT, "file_changed",
                        "%s was written anew while it was read; start again.", read->location);
    }
    memcpy(read->version, version, sizeof version);
    read->file_bytes = status.st_size;
    return MSP_OK;
}

static enum msp_result hand_over(int fd, const struct msp_storage_read *read,
                                 struct msp_error *error)
{
    char buffer[READ_BYTES];
    int64_t done = 0;
    while (done < read->length) {
        int64_t left = read->length - done;
        size_t wanted = left < (int64_t)sizeof buffer ? (size_t)left : sizeof buffer;
        ssize_t got = pread(fd, buffer, wanted, read->offset + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_reading(read, error);
        }
        if (got == 0) {
            return msp_fail(error, MSP_BROKEN, "file_short",
                            "%s in the export storage ends sooner than its record says; export it "
                            "again.",
                            read->location);
        }
        if (!read->sink(read->context, buffer, (size_t)got)) {
            return msp_fail(error, MSP_CANCELLED, "reading_stopped", "Nobody wants the rest.");
        }
        done += got;
        if (done < read->length && msp_clock_monotonic_ms() >= read->deadline_ms) {
            return msp_fail(error, MSP_TIMED_OUT, "storage_slow",
                            "The export storage did not answer in time; try again.");
        }
    }
    return MSP_OK;
}

enum msp_result msp_file_read_range(struct msp_storage_read *read, struct msp_error *error)
{
    int fd = -1;
    enum msp_result result = open_file(read, &fd, error);
    if (result != MSP_OK) {
        return result;
    }
    result = check_version(fd, read, error);
    if (result == MSP_OK) {
        result = hand_over(fd, read, error);
    }
    (void)close(fd);
    return result;
}
