/* Between the line that is built and the page it may wait in; for common/log*.c alone. */
#ifndef MSP_LOG_LINE_H
#define MSP_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes a line to standard error, or puts it in the page that lines are held in unless it is
 * `grave`. Keeps nothing of `text`. */
void msp_log_line_send(const char *text, size_t length, bool grave);

#endif
