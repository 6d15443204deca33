/*
 * Lines of the log that wait to be written together, since a busy worker's line a request would
 * otherwise cost a system call a request. A page lies in shared memory, so that its master writes
 * what a child that was killed left behind (what the child was just writing may then stand twice).
 * It has two sides, of which one takes lines while the other is written. No more than a side is
 * ever written at once: up to PIPE_BUF what several processes write to one pipe stays whole.
 */
#ifndef MSP_LOG_PAGE_H
#define MSP_LOG_PAGE_H

#include <stddef.h>

struct msp_log_page;

/* A page a slot of the status board. */
size_t msp_log_pages_bytes(void);
struct msp_log_page *msp_log_page_at(void *pages, size_t index);

/*
 * From now on lines below WARNING of this process wait in `page`, until a side is full, a graver
 * line is written, or msp_log_flush. NULL: what waits is written, and from now on each line at
 * once. Any thread, any time.
 */
void msp_log_hold(struct msp_log_page *page);
void msp_log_flush(void);

/* Writes what a process that is gone left in its page. */
void msp_log_page_inherit(struct msp_log_page *page);

#endif
