/*
 * Where tickets are pulled from. A source maps what it reads to the contract's ticket and names
 * places in itself by opaque cursors; it neither stores tickets nor remembers where it was.
 */
#ifndef MSP_SOURCE_H
#define MSP_SOURCE_H

#include "msp/settings.h"
#include "msp/ticket_store.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_CURSOR_BYTES 512 /* as msp_cursor has room for */

struct msp_source_page {
    char next_cursor[MSP_CURSOR_BYTES];
    bool drained; /* there was nothing behind this page */
};

struct msp_source;

/* An opened source. Each source's own struct begins with this. */
struct msp_source_reader {
    const struct msp_source *source;
};

struct msp_source {
    const char *name; /* as in tenants.source */
    /* Whether these settings offer it at all. */
    bool (*offered)(const struct msp_settings *settings);
    enum msp_result (*open)(const struct msp_settings *settings, const char *tenant,
                            struct msp_source_reader **out, struct msp_error *error);
    /*
     * Reads up to `max_tickets` from `cursor` ("" = the start) into the batch, bad ones as its
     * rejects. On failure the batch may hold a part of the page and must be cleared.
     */
    enum msp_result (*page)(struct msp_source_reader *reader, const char *cursor, int max_tickets,
                            struct msp_ticket_batch *batch, int64_t deadline_ms,
                            struct msp_source_page *out, struct msp_error *error);
    void (*close)(struct msp_source_reader *reader); /* NULL is fine */
};

/* MSP_NOT_FOUND "source_unknown" for a name that is in no row or not offered by these settings. */
enum msp_result msp_source_find(const char *name, const struct msp_settings *settings,
                                const struct msp_source **out,
                                struct msp_error *error) MSP_MUST_CHECK;

extern const struct msp_source msp_mock_source;

#endif
