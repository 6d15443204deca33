/*
 * Where tickets are pulled from. A source maps what it reads to the contract's ticket and names
 * places in itself by opaque cursors; it neither stores tickets nor remembers where it was.
 *
 * What holds for every source: a pull resumes from its high-water mark minus an overlap, so that
 * nothing is missed and what comes twice is harmless; the mark moves only when everything up to it
 * has been read; a page is found by the key the order is by (updated_at, or the id inside a fixed
 * window of time), never by an offset into an order that moves.
 */
#ifndef MSP_SOURCE_H
#define MSP_SOURCE_H

#include "msp/settings.h"
#include "msp/ticket_store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define MSP_CURSOR_BYTES 512 /* as msp_cursor has room for; 500 are used at most */

struct msp_source_page {
    char next_cursor[MSP_CURSOR_BYTES];
    bool drained; /* there was nothing behind this page */
    /* With `drained`: every change before this moment has been read (when the request was made,
     * earlier for a source that holds its last minute back). MSP_NO_TIME: now. */
    int64_t complete_until_us;
};

struct msp_source_budgets;

/* What a source is opened with. Everything outlives the reader. */
struct msp_source_order {
    const struct msp_settings *settings;
    const char *tenant;     /* slug */
    const char *timezone;   /* the tenant's IANA name */
    const json_t *options;  /* checked by msp_source_kind_check; {} for the mock source */
    const json_t *secrets;  /* texts by name; {} for the mock source; never logged or shown */
    const char *trace;      /* the trace id that its calls are part of; NULL or "" = none */
    const char *budget_key; /* whose requests are counted together: tenant and source */
    /* Out, with MSP_BUSY "source_rate_limited": when to come back, at least 1. Set by the session
     * (msp_source_fetch); NULL: nobody asks. */
    int64_t *retry_after_seconds;
    struct msp_source_budgets *budgets; /* the process's; NULL: the reader counts for itself */
    bool (*should_stop)(void *context);
    void *context;
};

struct msp_source;

/* An opened source, of one thread. Each source's own struct begins with this. */
struct msp_source_reader {
    const struct msp_source *source;
};

/* Takes ids of tickets that exist in the source; false when there is no memory. */
typedef bool msp_source_id_sink(void *context, const char *external_id);

struct msp_source {
    const char *name; /* as in tenants.source and msp_source_kinds */
    /* Reads nothing yet but what signing in needs. MSP_INVALID for options that make no sense
     * together. */
    enum msp_result (*open)(const struct msp_source_order *order, struct msp_source_reader **out,
                            struct msp_error *error);
    /*
     * Reads up to `max_tickets` from `cursor` ("" = the start) into the batch, bad ones as its
     * rejects. A page may hold fewer, none even, without being drained. On failure the batch may
     * hold a part of the page and must be cleared. MSP_BUSY "source_rate_limited": the source, or
     * our share of it, allows no call before `deadline_ms`; come back later with the same cursor
     * (the order's retry_after_seconds says when).
     */
    enum msp_result (*page)(struct msp_source_reader *reader, const char *cursor, int max_tickets,
                            struct msp_ticket_batch *batch, int64_t deadline_ms,
                            struct msp_source_page *out, struct msp_error *error);
    /*
     * One page of the ids of all tickets there are, for finding those that were deleted or merged.
     * *place is "" at first and opaque then; *out_done when it was the last page. NULL: the source
     * cannot list ids, and nothing is ever taken for deleted; so it is with MSP_NOT_FOUND
     * "source_lists_no_ids", which a source says whose options do not let it.
     */
    enum msp_result (*ids)(struct msp_source_reader *reader, char place[MSP_CURSOR_BYTES],
                           msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                           bool *out_done, struct msp_error *error);
    void (*close)(struct msp_source_reader *reader); /* NULL is fine */
};

/*
 * The source of that name for a tenant with these options. In MOCK_MODE every source reads
 * MOCK_DATA_PATH, but for one whose address EGRESS_ALLOW names with +private: that is a stand-in
 * somebody started to be read. MSP_NOT_FOUND "source_unknown" for a name that is in no row, or
 * "mock" outside MOCK_MODE.
 */
enum msp_result msp_source_find(const char *name, const struct msp_settings *settings,
                                const json_t *options, const struct msp_source **out,
                                struct msp_error *error) MSP_MUST_CHECK;

extern const struct msp_source msp_mock_source;
extern const struct msp_source msp_json_source;
extern const struct msp_source msp_connectwise_source;
extern const struct msp_source msp_autotask_source;
extern const struct msp_source msp_halopsa_source;
extern const struct msp_source msp_zendesk_source;
extern const struct msp_source msp_freshservice_source;
extern const struct msp_source msp_jira_source;
extern const struct msp_source msp_zammad_source;
extern const struct msp_source msp_glpi_source;

#endif
