/* The inside of a batch: its tickets, each once, and its rejects. */
#ifndef MSP_TICKET_BATCH_H
#define MSP_TICKET_BATCH_H

#include "msp/buffer.h"
#include "msp/ticket_store.h"

struct batch_ticket {
    struct msp_ticket ticket; /* the newest that arrived */
    uint32_t hash;            /* of its external id */
    int32_t arrivals;         /* how many arrivals each replaced the one before */
};

struct batch_reject {
    const char *code;
    const char *pointer;
    const char *reason;
    const char *payload;
};

#define BATCH_SLOTS       8192 /* a power of two, at least twice MSP_TICKET_BATCH_ROWS */
#define BATCH_MAX_REJECTS 500
#define BATCH_ARRAYS      22

struct msp_ticket_batch {
    int shard;               /* or MSP_EVERY_SHARD */
    struct msp_arena *arena; /* texts of tickets and rejects */
    struct batch_ticket tickets[MSP_TICKET_BATCH_ROWS];
    size_t ticket_count;
    struct batch_reject rejects[BATCH_MAX_REJECTS];
    size_t reject_count;
    int64_t fetched;             /* arrivals and rejects */
    uint16_t slots[BATCH_SLOTS]; /* open addressing over tickets: index + 1, 0 = free */
    bool sealed;                 /* the parameters below are built */
    /* Built by sealing, dropped once libpq has copied them. */
    struct msp_buffer arrays[BATCH_ARRAYS];
    struct msp_buffer reject_arrays[4];
    struct msp_params upsert_params, reject_params, cursor_params, lock_params;
    struct msp_call calls[5];
    size_t call_count;
};

/* Frees the parameters' memory: as much again as the tickets themselves. */
void msp_ticket_batch_drop_arrays(struct msp_ticket_batch *batch);

#endif
