/*
 * Tickets on their way into raw_tickets. A batch collects tickets and rejects of one
 * tenant, keeps only the newest of each ticket, and is written by one pipelined
 * transaction: advisory lock, upsert of what is newer, rejects, dirty days, cursor.
 */
#ifndef MSP_TICKET_STORE_H
#define MSP_TICKET_STORE_H

#include "msp/db.h"
#include "msp/ticket.h"

#define MSP_TICKET_BATCH_ROWS 4000

/*
 * Writers of a tenant wait for one another, since each must see the rows that the other replaces.
 * They do so by shard: the tickets of one shard are nobody else's while a batch of it is under way,
 * so that two connections can share a long stream. A ticket's shard depends on its external id
 * alone.
 */
#define MSP_INGEST_SHARDS 2
#define MSP_EVERY_SHARD   (-1)
int msp_ticket_shard(const struct msp_ticket *ticket);

struct msp_ingest_stats {
    int64_t fetched, inserted, updated, unchanged, rejected;
};

struct msp_ticket_batch;

/* For tickets of one shard, or of MSP_EVERY_SHARD. */
struct msp_ticket_batch *msp_ticket_batch_new(int shard) MSP_MUST_CHECK;
void msp_ticket_batch_free(struct msp_ticket_batch *batch);

/* Where texts of tickets to be added should be read into; emptied by msp_ticket_batch_clear. */
struct msp_arena *msp_ticket_batch_arena(struct msp_ticket_batch *batch);

/* Adds one of the batch's shard; its texts must live in the batch's arena. MSP_NO_MEMORY only. */
enum msp_result msp_ticket_batch_add(struct msp_ticket_batch *batch,
                                     const struct msp_ticket *ticket,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Notes a refused ticket: why, where, and its text (copied, at most 8 KiB of it kept). */
enum msp_result msp_ticket_batch_reject(struct msp_ticket_batch *batch,
                                        const struct msp_error *reason, const char *payload,
                                        size_t payload_length,
                                        struct msp_error *error) MSP_MUST_CHECK;

bool msp_ticket_batch_full(const struct msp_ticket_batch *batch);
bool msp_ticket_batch_empty(const struct msp_ticket_batch *batch);

/* What is in it: tickets, each once, rejects, and the greatest updated_at (MSP_NO_TIME: none). */
struct msp_ticket_batch_figures {
    size_t tickets, rejects;
    int64_t newest_us;
};
struct msp_ticket_batch_figures msp_ticket_batch_look(const struct msp_ticket_batch *batch);

/* Empties it, for the tickets of a shard. */
void msp_ticket_batch_clear(struct msp_ticket_batch *batch, int shard);

/* What a pull moves together with its tickets. NULL texts = leave. */
struct msp_cursor_move {
    const char *source;
    const char *expected; /* the cursor this page was read from; the stored one must still be it */
    const char *next;     /* stored, with `expected` kept as the one before it */
    bool drained;         /* the source had nothing more */
    /* With `drained`: every change before this moment has been read. MSP_NO_TIME = now, which a
     * later one counts as too. */
    int64_t complete_until_us;
};

/*
 * When a batch must be on disk. WAL is written in order, so that one commit that waits for the disk
 * makes all before it safe too: of a stream that is acknowledged as a whole only the last batch
 * need wait.
 */
enum msp_batch_safety {
    MSP_BATCH_SAFE_LATER, /* with the next commit that waits; never half */
    MSP_BATCH_SAFE_NOW,
};

/*
 * Builds the batch's parameters, which msp_ticket_batch_send would do first: for a caller whose
 * connection is still busy with the batch before. Nothing may be added afterwards.
 */
enum msp_result msp_ticket_batch_seal(struct msp_ticket_batch *batch, int64_t tenant_id,
                                      struct msp_error *error) MSP_MUST_CHECK;

/*
 * Sends the batch's transaction without waiting for its end; `move` may be NULL (a push). The batch
 * must stay as it is until msp_ticket_batch_receive. An empty batch is fine.
 */
enum msp_result msp_ticket_batch_send(struct msp_db *db, int64_t tenant_id,
                                      struct msp_ticket_batch *batch,
                                      const struct msp_cursor_move *move,
                                      enum msp_batch_safety safety, int64_t deadline_ms,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* Waits for the commit and adds to *stats. MSP_CONFLICT (code "cursor_moved"): the stored cursor is
 * another now. */
enum msp_result msp_ticket_batch_receive(struct msp_db *db, struct msp_ticket_batch *batch,
                                         int64_t deadline_ms, struct msp_ingest_stats *stats,
                                         struct msp_error *error) MSP_MUST_CHECK;

/* The stored cursor of a tenant's source and the one before it ("" = from the start). */
struct msp_cursor {
    char current[512];
    char previous[512];
    int64_t drained_us; /* every change before has been read; MSP_NO_TIME = never */
};
enum msp_result msp_cursor_read(struct msp_db *db, int64_t tenant_id, const char *source,
                                int64_t deadline_ms, struct msp_cursor *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* A pull failed: the sentence stands beside the cursor until a page comes in. */
enum msp_result msp_cursor_note_failure(struct msp_db *db, int64_t tenant_id, const char *source,
                                        const char *sentence, int64_t deadline_ms,
                                        struct msp_error *error) MSP_MUST_CHECK;

#endif
