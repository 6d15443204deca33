/* The local side of an export to S3: its files before they are sent, and its lock. */
#include "storage/s3_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 256 /* STATE_DIR is at most 97 long */

static enum msp_result failed(struct msp_error *error, const char *doing, const char *folder)
{
    return msp_fail(error, MSP_BROKEN, "storage_failed",
                    "Cannot %s in STATE_DIR (%s), where exports wait to be sent: %s.", doing,
                    folder, strerror(errno));
}

/* Not O_TMPFILE, which some file systems of containers lack. */
enum msp_result msp_s3_spool_open(struct msp_s3_spool *spool, const char *folder,
                                  struct msp_error *error)
{
    char path[PATH_BYTES];
    if (spool->fd >= 0) {
        return MSP_OK;
    }
    (void)snprintf(path, sizeof path, "%s/export-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || unlink(path) != 0) {
        enum msp_result result = failed(error, "make a temporary file", folder);
        if (fd >= 0) {
            (void)close(fd);
        }
        return result;
    }
    spool->fd = fd;
    spool->bytes = 0;
    return MSP_OK;
}

enum msp_result msp_s3_spool_write(struct msp_s3_spool *spool, const void *bytes, size_t size,
                                   struct msp_error *error)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t written = pwrite(spool->fd, from, size, spool->bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return failed(error, "write", "its disk");
        }
        spool->bytes += written;
        from += written;
        size -= (size_t)written;
    }
    return MSP_OK;
}

void msp_s3_spool_cut(struct msp_s3_spool *spool, int64_t bytes)
{
    if (spool->fd >= 0 && ftruncate(spool->fd, bytes) == 0) {
        spool->bytes = bytes;
    }
}

void msp_s3_spool_close(struct msp_s3_spool *spool)
{
    if (spool->fd >= 0) {
        (void)close(spool->fd);
        spool->fd = -1;
    }
}

/* FNV-1a, 64 bit (IETF draft-eastlake-fnv), without the sign bit of an offset. */
static off_t lock_offset(const char *prefix)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *prefix != '\0'; prefix++) {
        hash = (hash ^ (unsigned char)*prefix) * 0x100000001b3U;
    }
    return (off_t)(hash >> 2);
}

enum msp_result msp_s3_lock(const char *folder, const char *prefix, int *out_fd,
                            struct msp_error *error)
{
    char path[PATH_BYTES];
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = lock_offset(prefix), .l_len = 1};
    (void)snprintf(path, sizeof path, "%s/export.lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return failed(error, "open the lock", folder);
    }
    /* Of the open file, not of the process: threads hold it against each other. */
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        *out_fd = fd;
        return MSP_OK;
    }
    bool is_held = errno == EAGAIN || errno == EACCES;
    enum msp_result result =
        is_held ? msp_fail(error, MSP_BUSY, "export_under_way",
                           "Another export is writing %s; try again when it has ended.", prefix)
                : failed(error, "lock", folder);
    (void)close(fd);
    return result;
}
