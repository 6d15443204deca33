/* The W3C's traceparent (www.w3.org/TR/trace-context, version 00): the caller's name for the whole
 * that a request is part of. */
#ifndef MSP_HTTP_TRACE_CONTEXT_H
#define MSP_HTTP_TRACE_CONTEXT_H

#include "msp/trace_id.h"

#include <stdbool.h>

/*
 * Whether the field (NULL = none) is a traceparent; then its trace id. A later version is read as
 * far as 00 goes; all zeroes, capital letters and a wrong length are none, which is ignored and
 * never an error.
 */
bool msp_trace_id_read(const char *field, char out[MSP_TRACE_ID_BYTES]);

#endif
