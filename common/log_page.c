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

#define SIDE_BYTES 4096 /* PIPE_BUF on Linux */

struct side {
    uint32_t length; /* raised when the line is whole; 0 = free */
    char text[SIDE_BYTES - sizeof(uint32_t)];
};

/* One side takes lines while the other is written, so that nobody waits for that. */
struct msp_log_page {
    uint32_t filling; /* which takes lines; what waits on the other is older */
    struct side sides[2];
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

static struct side *side_taking(struct msp_log_page *page)
{
    return &page->sides[__atomic_load_n(&page->filling, __ATOMIC_RELAXED) & 1];
}

static struct side *side_resting(struct msp_log_page *page)
{
    return &page->sides[~__atomic_load_n(&page->filling, __ATOMIC_RELAXED) & 1];
}

static uint32_t length_of(const struct side *side)
{
    return __atomic_load_n(&side->length, __ATOMIC_ACQUIRE);
}

static void write_out(const char *text, size_t length)
{
    ssize_t sent;
    do
        sent = write(STDERR_FILENO, text, length);
    while (sent < 0 && errno == EINTR);
}

static void write_side(struct side *side)
{
    uint32_t length = length_of(side);
    if (length > 0 && length <= sizeof side->text)
        write_out(side->text, length);
    __atomic_store_n(&side->length, 0, __ATOMIC_RELEASE);
}

void msp_log_page_inherit(struct msp_log_page *page)
{
    write_side(side_resting(page));
    write_side(side_taking(page));
}

/* Under the lock: what waits, which the caller then writes without it, or NULL. While somebody
 * still writes the other side, it is written here. */
static struct side *turn_over(struct msp_log_page *page)
{
    struct side *full = side_taking(page);
    if (length_of(full) == 0)
        return NULL;
    if (length_of(side_resting(page)) > 0) {
        write_side(full);
        return NULL;
    }
    __atomic_store_n(&page->filling, ~page->filling & 1, __ATOMIC_RELAXED);
    return full;
}

void msp_log_hold(struct msp_log_page *page)
{
    struct side *full = NULL;
    (void)pthread_mutex_lock(&lock);
    if (held != NULL && held != page)
        full = turn_over(held);
    held = page;
    (void)pthread_mutex_unlock(&lock);
    if (full != NULL)
        write_side(full);
}

void msp_log_flush(void)
{
    (void)pthread_mutex_lock(&lock);
    struct side *full = held != NULL ? turn_over(held) : NULL;
    (void)pthread_mutex_unlock(&lock);
    if (full != NULL)
        write_side(full);
}

/* Under the lock. */
static void put(struct side *side, const char *text, size_t length)
{
    uint32_t at = side->length;
    memcpy(side->text + at, text, length);
    __atomic_store_n(&side->length, at + (uint32_t)length, __ATOMIC_RELEASE);
}

void msp_log_line_send(const char *text, size_t length, bool grave)
{
    struct side *full = NULL;
    (void)pthread_mutex_lock(&lock);
    struct msp_log_page *page = held;
    if (page != NULL && (grave || length_of(side_taking(page)) + length > sizeof page->sides->text))
        full = turn_over(page);
    bool waits = page != NULL && !grave && length <= sizeof page->sides->text;
    if (waits)
        put(side_taking(page), text, length);
    (void)pthread_mutex_unlock(&lock);
    if (full != NULL)
        write_side(full);
    if (!waits)
        write_out(text, length);
}
