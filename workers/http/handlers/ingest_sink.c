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
    sink->batches[0] = msp_ticket_batch_new();
    return sink->batches[0] == NULL ? no_memory(error) : MSP_OK;
}

static void give_connection(struct msp_ingest_sink *sink)
{
    msp_pool_give(sink->request->worker->pool, sink->db);
    sink->db = NULL;
}

void msp_ingest_sink_done(struct msp_ingest_sink *sink)
{
    /* A connection with an answer still to come must not reach its next user. */
    msp_ingest_sink_settle(sink);
    msp_ticket_batch_free(sink->batches[0]);
    msp_ticket_batch_free(sink->batches[1]);
    *sink = (struct msp_ingest_sink){.db = NULL};
}

static struct msp_ticket_batch *batch(const struct msp_ingest_sink *sink)
{
    return sink->batches[sink->filling];
}

static enum msp_result receive(struct msp_ingest_sink *sink, struct msp_error *error)
{
    struct msp_ticket_batch *sent = sink->batches[!sink->filling];
    enum msp_result result;

    if (!sink->in_flight)
        return MSP_OK;
    sink->in_flight = false;
    result = msp_ticket_batch_receive(sink->db, sent, batch_deadline_ms(), &sink->stats, error);
    give_connection(sink);
    msp_ticket_batch_clear(sent);
    return result;
}

void msp_ingest_sink_settle(struct msp_ingest_sink *sink)
{
    struct msp_error unheard; /* the problem under way is the one to tell */

    if (receive(sink, &unheard) != MSP_OK)
        return;
}

/* Waits for the batch sent before, sends the one just filled, and goes on with the other. */
static enum msp_result hand_over(struct msp_ingest_sink *sink, enum msp_batch_safety safety,
                                 struct msp_error *error)
{
    enum msp_result result = receive(sink, error);

    if (result == MSP_OK)
        result = msp_input_database(sink->request, &sink->db, error);
    if (result != MSP_OK)
        return result;
    result = msp_ticket_batch_send(sink->db, sink->tenant_id, batch(sink), NULL, safety,
                                   batch_deadline_ms(), error);
    if (result != MSP_OK) {
        give_connection(sink);
        return result;
    }
    sink->in_flight = true;
    sink->on_disk = safety == MSP_BATCH_SAFE_NOW;
    sink->sent_ms = msp_clock_monotonic_ms();
    sink->filling = !sink->filling;
    if (batch(sink) == NULL)
        sink->batches[sink->filling] = msp_ticket_batch_new();
    return batch(sink) == NULL ? no_memory(error) : MSP_OK;
}

static enum msp_result make_room(struct msp_ingest_sink *sink, struct msp_error *error)
{
    if (msp_ticket_batch_full(batch(sink)))
        return hand_over(sink, MSP_BATCH_SAFE_LATER, error);
    if (sink->in_flight && msp_clock_monotonic_ms() - sink->sent_ms > HOLD_CONNECTION_MS)
        return receive(sink, error);
    return MSP_OK;
}

enum msp_result msp_ingest_sink_reject(struct msp_ingest_sink *sink, const struct msp_error *reason,
                                       const char *payload, size_t payload_length,
                                       struct msp_error *error)
{
    enum msp_result result = make_room(sink, error);

    if (result != MSP_OK)
        return result;
    return msp_ticket_batch_reject(batch(sink), reason, payload, payload_length, error);
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
    enum msp_result result = make_room(sink, error);

    if (result != MSP_OK)
        return result;
    if (!json_is_object(value))
        result = msp_fail(&reason, MSP_INVALID, "ticket_not_object", "A ticket must be an object.");
    else
        result = msp_ticket_from_json(value, msp_ticket_batch_arena(batch(sink)), &ticket, &reason);
    if (result == MSP_OK)
        return msp_ticket_batch_add(batch(sink), &ticket, error);
    if (result == MSP_NO_MEMORY)
        return no_memory(error);
    return reject_value(sink, value, place, &reason, payload, payload_length, error);
}

enum msp_result msp_ingest_sink_take_line(struct msp_ingest_sink *sink, const char *line,
                                          size_t length, bool *out_refused,
                                          struct msp_error *reason, struct msp_error *error)
{
    struct msp_ticket ticket;
    enum msp_result result = make_room(sink, error);

    *out_refused = false;
    if (result != MSP_OK)
        return result;
    result =
        msp_ticket_from_line(line, length, msp_ticket_batch_arena(batch(sink)), &ticket, reason);
    if (result == MSP_OK)
        return msp_ticket_batch_add(batch(sink), &ticket, error);
    if (result == MSP_NO_MEMORY)
        return no_memory(error);
    *out_refused = true;
    return MSP_OK;
}

enum msp_result msp_ingest_sink_finish(struct msp_ingest_sink *sink, struct msp_error *error)
{
    enum msp_result result = MSP_OK;

    /* An empty last batch too, if one before it has yet to reach the disk. */
    if (!msp_ticket_batch_empty(batch(sink)) || !sink->on_disk)
        result = hand_over(sink, MSP_BATCH_SAFE_NOW, error);
    return result == MSP_OK ? receive(sink, error) : result;
}
