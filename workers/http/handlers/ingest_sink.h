/*
 * Where pushed tickets go. Batches take turns, so that while PostgreSQL writes one the next lines
 * are read into another; what does not fit one batch is shared by two lanes with a connection each,
 * one a shard of the tickets. A lane holds a connection of the pool only while a batch is under
 * way, so that slow senders leave the others theirs.
 */
#ifndef MSP_HTTP_INGEST_SINK_H
#define MSP_HTTP_INGEST_SINK_H

#include "../request.h"
#include "msp/ticket_store.h"

struct msp_ingest_lane {
    struct msp_db *db; /* NULL unless in_flight */
    struct msp_ticket_batch *batches[2];
    int filling;     /* index of the batch that takes tickets */
    bool in_flight;  /* the other one is with PostgreSQL */
    int64_t sent_ms; /* since when */
};

struct msp_ingest_sink {
    const struct msp_request *request;
    int64_t tenant_id;
    struct msp_arena *scratch; /* the ticket at hand; owned */
    struct msp_ingest_lane lanes[MSP_INGEST_SHARDS];
    bool shared;  /* more than one batch came: the lanes share the tickets; before, the first takes
                     all */
    bool on_disk; /* nothing sent waits for a later commit to be safe */
    struct msp_ingest_stats stats; /* of what is committed */
};

enum msp_result msp_ingest_sink_open(struct msp_ingest_sink *sink,
                                     const struct msp_request *request, int64_t tenant_id,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Gives everything back; what was added but not written by msp_ingest_sink_finish may be lost. */
void msp_ingest_sink_done(struct msp_ingest_sink *sink);

/*
 * Takes one parsed value. If it is no good ticket it is noted as a reject, with `place` (a JSON
 * pointer prefix or "") before the pointer and `payload` as its text. Failures are the database's,
 * never the ticket's.
 */
enum msp_result msp_ingest_sink_take(struct msp_ingest_sink *sink, const json_t *value,
                                     const char *place, const char *payload, size_t payload_length,
                                     struct msp_error *error) MSP_MUST_CHECK;

/*
 * Takes one line of NDJSON. *out_refused says that it is no good ticket, for the reason in *reason;
 * the caller notes the reject. Failures are the database's, never the ticket's.
 */
enum msp_result msp_ingest_sink_take_line(struct msp_ingest_sink *sink, const char *line,
                                          size_t length, bool *out_refused,
                                          struct msp_error *reason,
                                          struct msp_error *error) MSP_MUST_CHECK;

/* Notes a reject that was found before there was a value. */
enum msp_result msp_ingest_sink_reject(struct msp_ingest_sink *sink, const struct msp_error *reason,
                                       const char *payload, size_t payload_length,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Writes what is left and waits for all of it. */
enum msp_result msp_ingest_sink_finish(struct msp_ingest_sink *sink,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Waits for the batch that is under way, so that `stats` says what is stored; used before a problem
 * is answered. */
void msp_ingest_sink_settle(struct msp_ingest_sink *sink);

#endif
