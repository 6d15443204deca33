/*
 * Files that a commit replaces. Where freed blocks are given back to the device at once (mount
 * option discard), letting a file go takes longer than replacing it, and nobody waits for that:
 * they are kept open over the commit and closed by a thread of their own. Best effort: a file that
 * cannot be kept is let go by its replacement, as always.
 */
#ifndef MSP_REPLACED_FILES_H
#define MSP_REPLACED_FILES_H

#include <stddef.h>

struct msp_replaced_files {
    int *fds; /* NULL = none are kept */
    size_t count;
    size_t room;
};

/* Makes room for up to `most`, but never for more than a fair share of the process's files. */
void msp_replaced_files_init(struct msp_replaced_files *files, size_t most);

/* Call before `name` is renamed over. A name that is not there is fine. */
void msp_replaced_files_keep(struct msp_replaced_files *files, int folder_fd, const char *name);

/* Lets all of them go, later. The struct may be initialised again. */
void msp_replaced_files_release(struct msp_replaced_files *files);

#endif
