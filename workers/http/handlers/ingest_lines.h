/* Tickets as lines of JSON (NDJSON), read from a request's body in constant memory. */
#ifndef MSP_HTTP_INGEST_LINES_H
#define MSP_HTTP_INGEST_LINES_H

#include "ingest_sink.h"

#define MSP_INGEST_LINE_BYTES (256U * 1024) /* a longer line is refused, alone */

/* How far the reading came, and whose fault it was if it ended early. */
struct msp_ingest_reading {
    int64_t lines;    /* taken, blank ones included */
    bool body_failed; /* the failure is the client's body, not the database */
};

/*
 * Takes every line of the body into the sink, bad ones as rejects, blank ones not at all. A last
 * line without a line end counts; of a body that breaks off, only the lines that came whole.
 */
enum msp_result msp_ingest_lines_read(const struct msp_request *request,
                                      struct msp_ingest_sink *sink,
                                      struct msp_ingest_reading *reading,
                                      struct msp_error *error) MSP_MUST_CHECK;

#endif
