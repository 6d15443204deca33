/* Process titles by libbsd's setproctitle. */
#include "process_title.h"

#include <bsd/unistd.h>
#include <stddef.h>
#include <string.h>

static char *first_word;
static size_t first_word_length;

void msp_process_title_init(int argc, char **argv)
{
    first_word = argc > 0 ? argv[0] : NULL;
    first_word_length = argc > 0 ? strlen(argv[0]) : 0;
    setproctitle_init(argc, argv, environ);
}

void msp_process_title_set(const char *name)
{
    setproctitle("-msp-analytics: %s", name);
    /*
     * For kernels older than 4.2, libbsd marks a title shorter than the program's path with a dot
     * where that ended; newer ones show the dot in ps.
     */
    const size_t length = strlen("msp-analytics: ") + strlen(name);
    if (length < first_word_length)
        first_word[first_word_length] = '\0';
}
