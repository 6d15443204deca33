/* A lock of this process orders its threads; what another process reads of a page after our death
 * is ordered by that death. */
#include "msp/log_page.h"

#include "log_line.h"

#include "msp/status_board.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096 /* PIPE_BUF on Linux */

struct msp_log_page {
    uint32_t length; /* raised when the line is whole */
    char text[PAGE_BYTES - sizeof(uint32_t)];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct msp_log_page *held; /* NULL = each line at once */

size_t msp_log_pages_bytes(void)
{
    return MSP_BOARD_SLOTS * sizeof(struct msp_log_page);
}

struct msp_log_page *msp_log_page_at(void *pages, size_t index)
{
    return (struct msp_log_page *)pages + index;
}

static void write_out(const char *text, size_t length)
{
    ssize_t sent;
    do
        sent = write(STDERR_FILENO, text, length);
    while (sent < 0 && errno == EINTR);
}

void msp_log_page_inherit(struct msp_log_page *page)
{
    size_t length = __atomic_load_n(&page->length, __ATOMIC_RELAXED);
    if (length > 0 && length <= sizeof page->text)
        write_out(page->text, length);
    __atomic_store_n(&page->length, 0, __ATOMIC_RELAXED);
}

void msp_log_hold(struct msp_log_page *page)
{
    (void)pthread_mutex_lock(&lock);
    if (held != NULL && held != page)
        msp_log_page_inherit(held);
    held = page;
    (void)pthread_mutex_unlock(&lock);
}

void msp_log_flush(void)
{
    (void)pthread_mutex_lock(&lock);
    if (held != NULL)
        msp_log_page_inherit(held);
    (void)pthread_mutex_unlock(&lock);
}

/* Under the lock. */
static void put(struct msp_log_page *page, const char *text, size_t length)
{
    uint32_t at = page->length;
    memcpy(page->text + at, text, length);
    __atomic_store_n(&page->length, at + (uint32_t)length, __ATOMIC_RELEASE);
}

void msp_log_line_send(const char *text, size_t length, bool grave)
{
    (void)pthread_mutex_lock(&lock);
    struct msp_log_page *page = held;
    if (page != NULL && (grave || page->length + length > sizeof page->text))
        msp_log_page_inherit(page);
    bool waits = page != NULL && !grave && length <= sizeof page->text;
    if (waits)
        put(page, text, length);
    (void)pthread_mutex_unlock(&lock);
    if (!waits)
        write_out(text, length);
}
