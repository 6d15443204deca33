/* Files of settings: NAME=value lines, and files that hold one value (NAME_FILE=/path). */
#ifndef MSP_ENV_FILE_H
#define MSP_ENV_FILE_H

#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>

/* Far more than all settings at their longest. */
#define ENV_FILE_MAX_BYTES 262144

struct env_file {
    char *content; /* NUL-terminated */
    size_t size;   /* without that NUL */
};

/*
 * The whole of a regular file without a NUL in it, for env_file_release.
 * MSP_INVALID with the reason in error->detail ("it does not exist"): a path is for the caller to
 * name.
 */
enum msp_result env_file_read(const char *path, size_t limit_bytes, struct env_file *out,
                              struct msp_error *error) MSP_MUST_CHECK;

/* Clears what may be secret and frees it. One that holds nothing is fine. */
void env_file_release(struct env_file *file);

struct env_file_line {
    int number;        /* from 1 */
    const char *name;  /* NULL: the line is at fault */
    const char *value; /* without its quotes; with name NULL: what is wrong, a clause for people */
};

/*
 * Calls `visit` for each line that sets something or is at fault. `content` is changed: the texts
 * handed over lie in it. Blank lines and those that begin with '#' are skipped. A value may be
 * 'quoted as it is' or "quoted with \" and \\"; unquoted it ends at a blank followed by '#'.
 */
typedef void env_file_visit(void *context, const struct env_file_line *line);
void env_file_parse(char *content, env_file_visit *visit, void *context);

#endif
