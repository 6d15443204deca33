/* Text files of db/ built into the program by ops/cmake/embed.cmake. */
#ifndef MSP_EMBEDDED_FILE_H
#define MSP_EMBEDDED_FILE_H

#include <stddef.h>

struct msp_embedded_file {
    const char *name; /* without its folder; NULL closes a table */
    const char *text; /* NUL-terminated */
    size_t size_bytes;
};

extern const struct msp_embedded_file msp_migration[]; /* in order of their names */
extern const struct msp_embedded_file msp_query[];

#endif
