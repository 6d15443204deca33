/*
 * Follows the framing of a chunked body over its raw bytes. CivetWeb decodes it, but takes whatever
 * stands behind the last chunk for its end and tells nobody; here only CR LF ends a body. Pure.
 */
#ifndef MSP_HTTP_CHUNK_CHECK_H
#define MSP_HTTP_CHUNK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msp_chunk_check {
    int state; /* 0 = at the start of a body */
    int digits;
    uint64_t left; /* the size being read, then what is to come of its bytes */
};

/* Looks at the next bytes; returns how many of them are the body's: all but those behind its end.
 */
size_t msp_chunk_check_feed(struct msp_chunk_check *check, const char *bytes, size_t size);

/* Whether the body has come to its end, without extensions, trailers or anything malformed. */
bool msp_chunk_check_is_whole(const struct msp_chunk_check *check);

#endif
