/*
 * One line a happening, to standard error: in a write of its own, or together with others
 * (log_page.h). Lines carry a
 * level, the process and key=value fields (LOG_FORMAT plain) or are one JSON
 * object (LOG_FORMAT json). Never a token, a key or a password.
 */
#ifndef MSP_LOG_H
#define MSP_LOG_H

#include "msp/result.h"

enum msp_log_level { MSP_LOG_DEBUG, MSP_LOG_INFO, MSP_LOG_WARNING, MSP_LOG_ERROR };
enum msp_log_format { MSP_LOG_PLAIN, MSP_LOG_JSON };

/* Sets what is written from now on in this process; any thread, any time. */
void msp_log_configure(enum msp_log_level level, enum msp_log_format format);

/* Names this process in its lines ("http worker 2"); copied. Call before threads start, and
 * again in a process that was forked off: it is whose number they carry. */
void msp_log_set_process(const char *name);

/*
 * Writes one line. `event` is a sentence for people. Fields follow as
 * alternating name and text value, closed by NULL:
 *     msp_log(MSP_LOG_ERROR, "Cannot reach PostgreSQL", "detail", error.detail, NULL);
 * A NULL value leaves its field out. Keeps errno. Control characters are escaped.
 */
void msp_log(enum msp_log_level level, const char *event, ...) __attribute__((sentinel));

#endif
