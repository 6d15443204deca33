/* Makes STATE_DIR and keeps a second master out of it. */
#include "state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum msp_result make_folder(const char *path, struct msp_error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return msp_fail(error, MSP_INVALID, "state_dir_unusable",
                        "Cannot make STATE_DIR %s: %s. Make it, or name another", path,
                        strerror(errno));
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return msp_fail(error, MSP_INVALID, "state_dir_unusable",
                        "STATE_DIR %s is not a folder. Name another", path);
    /* Who can write here can put a socket of his own in the job worker's place. */
    if ((status.st_mode & S_IWOTH) != 0 || (status.st_uid != geteuid() && status.st_uid != 0))
        return msp_fail(error, MSP_INVALID, "state_dir_unsafe",
                        "STATE_DIR %s belongs to, or can be written by, someone else. Give it to "
                        "this user with mode 0700",
                        path);
    return MSP_OK;
}

/* Locks of the open file: unlike flock() they can be asked about without being taken. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static bool lock_path(const char *state_dir, char out[PATH_MAX])
{
    return (size_t)snprintf(out, PATH_MAX, "%s/lock", state_dir) < PATH_MAX;
}

bool msp_state_lock_is_held(const char *state_dir)
{
    char path[PATH_MAX];
    if (!lock_path(state_dir, path))
        return false;
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    struct flock lock = whole_file();
    const bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}

static enum msp_result refuse_second(int fd, const char *path, struct msp_error *error)
{
    char pid[16] = "";
    const ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);
    if (length > 0)
        pid[strcspn(pid, "\n")] = '\0';
    return msp_fail(error, MSP_CONFLICT, "state_dir_in_use",
                    "Another server (pid %s) runs with STATE_DIR %s. Stop it, or give this one a "
                    "STATE_DIR of its own",
                    pid[0] != '\0' ? pid : "unknown", path);
}

enum msp_result msp_state_lock_take(const char *state_dir, int *out_fd, struct msp_error *error)
{
    const enum msp_result result = make_folder(state_dir, error);
    if (result != MSP_OK)
        return result;
    char path[PATH_MAX];
    if (!lock_path(state_dir, path))
        return msp_fail(error, MSP_INVALID, "state_dir_too_long", "STATE_DIR is too long");
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return msp_fail(error, MSP_INVALID, "state_dir_unusable", "Cannot open %s: %s", path,
                        strerror(errno));
    struct flock lock = whole_file();
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        const int why = errno;
        enum msp_result refused = why == EAGAIN || why == EACCES
                                      ? refuse_second(fd, state_dir, error)
                                      : msp_fail(error, MSP_BROKEN, "state_dir_unlockable",
                                                 "Cannot lock %s: %s", path, strerror(why));
        (void)close(fd);
        return refused;
    }
    char pid[16];
    const int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)length, 0) != length) {
        (void)msp_fail(error, MSP_UNAVAILABLE, "state_dir_full", "Cannot write %s: %s", path,
                       strerror(errno));
        (void)close(fd);
        return MSP_UNAVAILABLE;
    }
    *out_fd = fd;
    return MSP_OK;
}
