/* Batches of pushed tickets on their way to PostgreSQL, double-buffered; a connection is held only
 * while one is under way. */
#include "ingest_sink.h"

#include "../http_worker.h"
#include "inputs.h"
#include "msp/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch takes some 50 ms; past this PostgreSQL is stuck or another writer holds the tenant for
 * too long. */
#define BATCH_PATIENCE_MS 30000

/* A sender too slow to fill the next batch within this time gives the connection back first. */
#define HOLD_CONNECTION_MS 1000

/* A usual ticket and its line. */
#define SCRATCH_BYTES 16384

static int64_t batch_deadline_ms(void)
{
    return msp_clock_monotonic_ms() + BATCH_PATIENCE_MS;
}

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
}

enum msp_result msp_ingest_sink_open(struct msp_ingest_sink *sink,
                                     const struct msp_request *request, int64_t tenant_id,
                                     struct msp_error *error)
{
    *sink = (struct msp_ingest_sink){.request = request, .tenant_id = tenant_id, .on_disk = true};
    sink->scratch = msp_arena_new(SCRATCH_BYTES);
    sink->lanes[0].batches[0] = msp_ticket_batch_new(MSP_EVERY_SHARD);
    return sink->scratch == NULL || sink->lanes[0].batches[0] == NULL ? no_memory(error) : MSP_OK;
}

static void give_connection(struct msp_ingest_sink *sink, struct msp_ingest_lane *lane)
{
    msp_pool_give(sink->request->worker->pool, lane->db);
    lane->db = NULL;
}

void msp_ingest_sink_done(struct msp_ingest_sink *sink)
{
    /* A connection with an answer still to come must not reach its next user. */
    msp_ingest_sink_settle(sink);
    for (size_t i = 0; i < MSP_INGEST_SHARDS; i++) {
        msp_ticket_batch_free(sink->lanes[i].batches[0]);
        msp_ticket_batch_free(sink->lanes[i].batches[1]);
    }
    msp_arena_free(sink->scratch);
    *sink = (struct msp_ingest_sink){.request = NULL};
}

/* What a lane takes now: its shard, or everything while there is one lane. */
static int shard_of(const struct msp_ingest_sink *sink, const struct msp_ingest_lane *lane)
{
    return sink->shared ? (int)(lane - sink->lanes) : MSP_EVERY_SHARD;
}

/* The lane's batch that takes tickets, made when it is first needed; NULL when memory is short. */
static struct msp_ticket_batch *filling(struct msp_ingest_sink *sink, struct msp_ingest_lane *lane)
{
    struct msp_ticket_batch **batch = &lane->batches[lane->filling];

    if (*batch == NULL)
        *batch = msp_ticket_batch_new(shard_of(sink, lane));
    else if (msp_ticket_batch_empty(*batch))
        msp_ticket_batch_clear(*batch, shard_of(sink, lane));
    return *batch;
}

static enum msp_result receive(struct msp_ingest_sink *sink, struct msp_ingest_lane *lane,
                               struct msp_error *error)
{
    struct msp_ticket_batch *sent = lane->batches[!lane->filling];
    enum msp_result result;

    if (!lane->in_flight)
        return MSP_OK;
    lane->in_flight = false;
    result = msp_ticket_batch_receive(lane->db, sent, batch_deadline_ms(), &sink->stats, error);
    /* After a failure too: nobody knows whether it was committed. */
    msp_answer_cache_raise(sink->request->worker->child->shared->answers, sink->tenant_id);
    give_connection(sink, lane);
    msp_ticket_batch_clear(sent, shard_of(sink, lane));
    return result;
}

static enum msp_result receive_all(struct msp_ingest_sink *sink, struct msp_error *error)
{
    struct msp_error unheard; /* the first failure is the one to tell */
    enum msp_result result = MSP_OK;

    for (size_t i = 0; i < MSP_INGEST_SHARDS; i++) {
        enum msp_result received =
            receive(sink, &sink->lanes[i], result == MSP_OK ? error : &unheard);
        if (result == MSP_OK)
            result = received;
    }
    return result;
}

void msp_ingest_sink_settle(struct msp_ingest_sink *sink)
{
    struct msp_error unheard; /* the problem under way is the one to tell */

    if (receive_all(sink, &unheard) != MSP_OK)
        return;
}

/* Waits for the lane's batch sent before, sends the one just filled, and goes on with the other. */
static enum msp_result hand_over(struct msp_ingest_sink *sink, struct msp_ingest_lane *lane,
                                 enum msp_batch_safety safety, struct msp_error *error)
{
    struct msp_ticket_batch *filled = filling(sink, lane);
    enum msp_result result =
        filled == NULL ? no_memory(error) : msp_ticket_batch_seal(filled, sink->tenant_id, error);

    if (result == MSP_OK)
        result = receive(sink, lane, error);
    if (result == MSP_OK)
        result = msp_input_database(sink->request, &lane->db, error);
    if (result != MSP_OK)
        return result;
    result = msp_ticket_batch_send(lane->db, sink->tenant_id, filled, NULL, safety,
                                   batch_deadline_ms(), error);
    if (result != MSP_OK) {
        give_connection(sink, lane);
        return result;
    }
    lane->in_flight = true;
    lane->sent_ms = msp_clock_monotonic_ms();
    lane->filling = !lane->filling;
    sink->on_disk = safety == MSP_BATCH_SAFE_NOW;
    return MSP_OK;
}

/* Sees that the lane's batch can take one more. */
static enum msp_result make_room(struct msp_ingest_sink *sink, struct msp_ingest_lane *lane,
                                 struct msp_error *error)
{
    struct msp_ticket_batch *batch = filling(sink, lane);

    if (batch == NULL)
        return no_memory(error);
    if (msp_ticket_batch_full(batch)) {
        enum msp_result result = hand_over(sink, lane, MSP_BATCH_SAFE_LATER, error);
        sink->shared = true;
        return result == MSP_OK && filling(sink, lane) == NULL ? no_memory(error) : result;
    }
    if (lane->in_flight && msp_clock_monotonic_ms() - lane->sent_ms > HOLD_CONNECTION_MS)
        return receive(sink, lane, error);
    return MSP_OK;
}

enum msp_result msp_ingest_sink_reject(struct msp_ingest_sink *sink, const struct msp_error *reason,
                                       const char *payload, size_t payload_length,
                                       struct msp_error *error)
{
    struct msp_ingest_lane *lane = &sink->lanes[0];
    enum msp_result result = make_room(sink, lane, error);

    if (result != MSP_OK)
        return result;
    return msp_ticket_batch_reject(filling(sink, lane), reason, payload, payload_length, error);
}

/* Adds the ticket at hand to its lane. */
static enum msp_result add(struct msp_ingest_sink *sink, struct msp_ticket *ticket,
                           struct msp_error *error)
{
    struct msp_ingest_lane *lane = &sink->lanes[sink->shared ? msp_ticket_shard(ticket) : 0];
    enum msp_result result = make_room(sink, lane, error);

    /* Making room may have opened the second lane, and with it the ticket's own may have changed.
     */
    if (result == MSP_OK && sink->shared)
        lane = &sink->lanes[msp_ticket_shard(ticket)];
    struct msp_ticket_batch *batch = result == MSP_OK ? filling(sink, lane) : NULL;
    if (result != MSP_OK)
        return result;
    if (batch == NULL)
        return no_memory(error);
    result = msp_ticket_keep(ticket, msp_ticket_batch_arena(batch), error);
    return result == MSP_OK ? msp_ticket_batch_add(batch, ticket, error) : result;
}

/* Notes a value that is no ticket; its text is written anew where the caller has none at hand. */
static enum msp_result reject_value(struct msp_ingest_sink *sink, const json_t *value,
                                    const char *place, struct msp_error *reason,
                                    const char *payload, size_t payload_length,
                                    struct msp_error *error)
{
    char pointer[sizeof reason->pointer];
    char *text = NULL;
    enum msp_result result;

    snprintf(pointer, sizeof pointer, "%s%s", place, reason->pointer);
    memcpy(reason->pointer, pointer, sizeof pointer);
    if (payload == NULL) {
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text == NULL)
            return no_memory(error);
        payload = text;
        payload_length = strlen(text);
    }
    result = msp_ingest_sink_reject(sink, reason, payload, payload_length, error);
    free(text);
    return result;
}

enum msp_result msp_ingest_sink_take(struct msp_ingest_sink *sink, const json_t *value,
                                     const char *place, const char *payload, size_t payload_length,
                                     struct msp_error *error)
{
    struct msp_ticket ticket;
    struct msp_error reason;
    enum msp_result result;

    msp_arena_reset(sink->scratch);
    if (!json_is_object(value))
        result = msp_fail(&reason, MSP_INVALID, "ticket_not_object", "A ticket must be an object.");
    else
        result = msp_ticket_from_json(value, sink->scratch, &ticket, &reason);
    if (result == MSP_OK)
        return add(sink, &ticket, error);
    if (result == MSP_NO_MEMORY)
        return no_memory(error);
    return reject_value(sink, value, place, &reason, payload, payload_length, error);
}

enum msp_result msp_ingest_sink_take_line(struct msp_ingest_sink *sink, const char *line,
                                          size_t length, bool *out_refused,
                                          struct msp_error *reason, struct msp_error *error)
{
    struct msp_ticket ticket;
    enum msp_result result;

    *out_refused = false;
    msp_arena_reset(sink->scratch);
    result = msp_ticket_from_line(line, length, sink->scratch, &ticket, reason);
    if (result == MSP_OK)
        return add(sink, &ticket, error);
    if (result == MSP_NO_MEMORY)
        return no_memory(error);
    *out_refused = true;
    return MSP_OK;
}

enum msp_result msp_ingest_sink_finish(struct msp_ingest_sink *sink, struct msp_error *error)
{
    bool all_on_disk = sink->on_disk;
    /* First all that may be safe later, so that the commits behind it make it safe. */
    enum msp_result result = receive_all(sink, error);

    for (size_t i = 0; i < MSP_INGEST_SHARDS && result == MSP_OK; i++) {
        struct msp_ingest_lane *lane = &sink->lanes[i];
        const struct msp_ticket_batch *batch = lane->batches[lane->filling];
        bool last = i + 1 == MSP_INGEST_SHARDS;

        if (batch != NULL && !msp_ticket_batch_empty(batch)) {
            result = hand_over(sink, lane, MSP_BATCH_SAFE_NOW, error);
            all_on_disk = true;
        } else if (last && !all_on_disk) {
            /* Nothing is left, but what went before has yet to reach the disk. */
            result = hand_over(sink, lane, MSP_BATCH_SAFE_NOW, error);
        }
    }
    return result == MSP_OK ? receive_all(sink, error) : result;
}
