/* Keeps files open that are about to lose their name. Reads and writes none of them. */
#include "storage/replaced_files.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of the descriptors this process may have; executors may commit side by side. */
#define SHARE              8
#define THREAD_STACK_BYTES (64U << 10)

void msp_replaced_files_init(struct msp_replaced_files *files, size_t most)
{
    struct rlimit limit;
    size_t share = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / SHARE : 0;
    *files = (struct msp_replaced_files){.room = most < share ? most : share};
    files->fds = files->room > 0 ? calloc(files->room, sizeof *files->fds) : NULL;
    if (files->fds == NULL) {
        files->room = 0;
    }
}

void msp_replaced_files_keep(struct msp_replaced_files *files, int folder_fd, const char *name)
{
    if (files->count == files->room) {
        return;
    }
    int fd = openat(folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        files->fds[files->count++] = fd;
    }
}

static void close_all(const struct msp_replaced_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        (void)close(files->fds[i]);
    }
    free(files->fds);
}

static void *close_later(void *context)
{
    struct msp_replaced_files *files = context;
    close_all(files);
    free(files);
    return NULL;
}

static int start_thread(struct msp_replaced_files *files)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return -1;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    int failed = pthread_create(&thread, &attributes, close_later, files);
    (void)pthread_attr_destroy(&attributes);
    return failed;
}

void msp_replaced_files_release(struct msp_replaced_files *files)
{
    struct msp_replaced_files *own = files->count > 0 ? malloc(sizeof *own) : NULL;
    if (own != NULL) {
        *own = *files;
    }
    if (own == NULL || start_thread(own) != 0) {
        free(own);
        close_all(files);
    }
    *files = (struct msp_replaced_files){.fds = NULL};
}
