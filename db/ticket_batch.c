/* Collecting tickets of one tenant: of several arrivals of a ticket only the newest is kept. */
#include "ticket_batch.h"

#include "msp/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Enough for a batch of usual tickets in one chunk. */
#define ARENA_CHUNK_BYTES ((size_t)1 << 20)

/* A batch is full once its texts pass this, so that its memory has a bound whatever is sent. */
#define BATCH_MAX_TEXT_BYTES ((size_t)2 << 20)

#define REJECT_PAYLOAD_BYTES 8192

struct msp_ticket_batch *msp_ticket_batch_new(int shard)
{
    struct msp_ticket_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return NULL;
    batch->arena = msp_arena_new(ARENA_CHUNK_BYTES);
    if (batch->arena == NULL) {
        free(batch);
        return NULL;
    }
    batch->shard = shard;
    return batch;
}

void msp_ticket_batch_drop_arrays(struct msp_ticket_batch *batch)
{
    for (size_t i = 0; i < BATCH_ARRAYS; i++)
        msp_buffer_done(&batch->arrays[i]);
    for (size_t i = 0; i < 4; i++)
        msp_buffer_done(&batch->reject_arrays[i]);
    batch->sealed = false;
}

void msp_ticket_batch_free(struct msp_ticket_batch *batch)
{
    if (batch == NULL)
        return;
    msp_calls_clear(batch->calls, batch->call_count);
    msp_ticket_batch_drop_arrays(batch);
    msp_arena_free(batch->arena);
    free(batch);
}

struct msp_arena *msp_ticket_batch_arena(struct msp_ticket_batch *batch)
{
    return batch->arena;
}

void msp_ticket_batch_clear(struct msp_ticket_batch *batch, int shard)
{
    batch->shard = shard;
    msp_arena_reset(batch->arena);
    batch->ticket_count = 0;
    batch->reject_count = 0;
    batch->fetched = 0;
    batch->sealed = false;
    memset(batch->slots, 0, sizeof(batch->slots));
}

bool msp_ticket_batch_full(const struct msp_ticket_batch *batch)
{
    return batch->ticket_count == MSP_TICKET_BATCH_ROWS ||
           batch->reject_count == BATCH_MAX_REJECTS ||
           msp_arena_footprint_bytes(batch->arena) > BATCH_MAX_TEXT_BYTES;
}

bool msp_ticket_batch_empty(const struct msp_ticket_batch *batch)
{
    return batch->fetched == 0;
}

/* FNV-1a (Fowler, Noll, Vo), 32 bits. A batch is small: forged collisions cost a scan of 2,000
 * entries at most. */
static uint32_t hash_text(const char *text)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

int msp_ticket_shard(const struct msp_ticket *ticket)
{
    /* The upper half: find_slot goes by the lower bits. */
    return (int)((hash_text(ticket->external_id) >> 16) % MSP_INGEST_SHARDS);
}

/* The ticket's slot: taken by it, or the free one it would take. */
static uint16_t *find_slot(struct msp_ticket_batch *batch, const char *external_id, uint32_t hash)
{
    for (size_t at = hash & (BATCH_SLOTS - 1);; at = (at + 1) & (BATCH_SLOTS - 1)) {
        uint16_t *slot = &batch->slots[at];
        if (*slot == 0)
            return slot;
        const struct batch_ticket *taken = &batch->tickets[*slot - 1];
        if (taken->hash == hash && strcmp(taken->ticket.external_id, external_id) == 0)
            return slot;
    }
}

static bool replaces(const struct msp_ticket *arrival, const struct msp_ticket *kept)
{
    int age = msp_ticket_compare_age(arrival, kept);
    return age > 0 || (age == 0 && !msp_ticket_same(arrival, kept));
}

enum msp_result msp_ticket_batch_add(struct msp_ticket_batch *batch,
                                     const struct msp_ticket *ticket, struct msp_error *error)
{
    uint32_t hash = hash_text(ticket->external_id);
    uint16_t *slot = find_slot(batch, ticket->external_id, hash);
    if (*slot == 0) {
        if (batch->ticket_count == MSP_TICKET_BATCH_ROWS)
            return msp_fail(error, MSP_NO_MEMORY, "batch_full", "The batch of tickets is full.");
        batch->tickets[batch->ticket_count++] =
            (struct batch_ticket){.ticket = *ticket, .hash = hash, .arrivals = 1};
        *slot = (uint16_t)batch->ticket_count;
    } else if (replaces(ticket, &batch->tickets[*slot - 1].ticket)) {
        batch->tickets[*slot - 1].ticket = *ticket;
        batch->tickets[*slot - 1].arrivals++;
    }
    batch->fetched++;
    return MSP_OK;
}

/* What PostgreSQL takes as text: each byte that is not UTF-8, and each NUL, becomes "?". */
static const char *storable_text(struct msp_arena *arena, const char *bytes, size_t length)
{
    char *text = msp_arena_copy(arena, bytes, length);
    for (size_t i = 0; text != NULL && i < length;) {
        size_t step = text[i] != '\0' ? msp_utf8_character_bytes(text + i, length - i) : 0;
        if (step == 0)
            text[i] = '?';
        i += step != 0 ? step : 1;
    }
    return text;
}

enum msp_result msp_ticket_batch_reject(struct msp_ticket_batch *batch,
                                        const struct msp_error *reason, const char *payload,
                                        size_t payload_length, struct msp_error *error)
{
    if (batch->reject_count == BATCH_MAX_REJECTS)
        return msp_fail(error, MSP_NO_MEMORY, "batch_full", "The batch of tickets is full.");
    if (payload_length > REJECT_PAYLOAD_BYTES)
        payload_length = REJECT_PAYLOAD_BYTES;
    struct batch_reject reject = {
        .code = storable_text(batch->arena, reason->code, strlen(reason->code)),
        .pointer = storable_text(batch->arena, reason->pointer, strlen(reason->pointer)),
        .reason = storable_text(batch->arena, reason->detail, strlen(reason->detail)),
        .payload = storable_text(batch->arena, payload, payload_length),
    };
    if (reject.code == NULL || reject.pointer == NULL || reject.reason == NULL ||
        reject.payload == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a refused ticket.");
    batch->rejects[batch->reject_count++] = reject;
    batch->fetched++;
    return MSP_OK;
}

struct msp_ticket_batch_figures msp_ticket_batch_look(const struct msp_ticket_batch *batch)
{
    struct msp_ticket_batch_figures figures = {
        .tickets = batch->ticket_count, .rejects = batch->reject_count, .newest_us = MSP_NO_TIME};
    for (size_t i = 0; i < batch->ticket_count; i++) {
        int64_t updated_us = batch->tickets[i].ticket.updated_us;
        figures.newest_us = updated_us > figures.newest_us ? updated_us : figures.newest_us;
    }
    return figures;
}
