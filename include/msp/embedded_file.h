/* A text file of the sources built into the program by ops/cmake/embed.cmake. */
#ifndef MSP_EMBEDDED_FILE_H
#define MSP_EMBEDDED_FILE_H

#include <stddef.h>

struct msp_embedded_file {
    const char *name; /* without its folder; NULL closes a table */
    const char *text; /* NUL-terminated */
    size_t size_bytes;
};

#endif
