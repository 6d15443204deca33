/* Removing a tenant's folder of exports (file:///path) for ever. Follows no link out of it. */
#include "storage/file_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tenant=…/dataset=…/.writing/TOKEN/file */
#define DEEPEST 8

static enum msp_result failed(struct msp_error *error, const char *doing, const char *what)
{
    return msp_fail(error, MSP_BROKEN, "storage_failed", "Cannot %s %s in the export storage: %s.",
                    doing, what, strerror(errno));
}

static enum msp_result remove_below(int folder_fd, int depth, int64_t *removed,
                                    struct msp_error *error);

static enum msp_result remove_entry(int folder_fd, const char *name, int depth, int64_t *removed,
                                    struct msp_error *error)
{
    if (unlinkat(folder_fd, name, 0) == 0) {
        *removed += 1;
        return MSP_OK;
    }
    if (errno == ENOENT) {
        return MSP_OK;
    }
    int below = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) {
        return failed(error, "remove", name);
    }
    enum msp_result result = remove_below(below, depth + 1, removed, error);
    (void)close(below);
    if (result == MSP_OK && unlinkat(folder_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        result = failed(error, "remove", name);
    }
    return result;
}

static enum msp_result remove_below(int folder_fd, int depth, int64_t *removed,
                                    struct msp_error *error)
{
    int copy = depth < DEEPEST ? openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    enum msp_result result = MSP_OK;
    if (folder == NULL) {
        if (copy >= 0) {
            (void)close(copy);
        }
        return failed(error, "read", "a folder");
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL && result == MSP_OK;
         entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            result = remove_entry(folder_fd, entry->d_name, depth, removed, error);
        }
    }
    (void)closedir(folder);
    return result;
}

enum msp_result msp_file_remove_all(const struct msp_storage_request *request, int64_t *out_removed,
                                    struct msp_error *error)
{
    const char *root = request->url + strlen(msp_file_storage.scheme);
    int64_t removed = 0;
    int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0) {
        *out_removed = 0;
        return errno == ENOENT ? MSP_OK : failed(error, "open", root);
    }
    enum msp_result result = remove_entry(root_fd, request->prefix, 0, &removed, error);
    if (result == MSP_OK && fsync(root_fd) != 0) {
        result = failed(error, "flush", root);
    }
    (void)close(root_fd);
    if (result == MSP_OK) {
        *out_removed = removed;
    }
    return result;
}
