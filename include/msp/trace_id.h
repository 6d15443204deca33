/* The trace id of the W3C (www.w3.org/TR/trace-context): the name of the whole that a request, the
 * jobs it starts and the calls they make are part of. */
#ifndef MSP_TRACE_ID_H
#define MSP_TRACE_ID_H

#define MSP_TRACE_ID_BYTES 33 /* 32 hex digits and a NUL */

#endif
