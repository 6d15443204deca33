/* Long answers in fewer bytes, for callers who take gzip. */
#ifndef MSP_HTTP_GZIP_BODY_H
#define MSP_HTTP_GZIP_BODY_H

#include "msp/arena.h"
#include "msp/buffer.h"

/* Packs what is long enough for that to be worth it, in place. Anything else stays as it is, and so
 * does everything while there is no memory. */
void msp_gzip_body(struct msp_buffer *body, struct msp_arena *arena);

/* Whether a body of JSON was packed: gzip has two first bytes of its own (RFC 1952, 2.3.1). */
bool msp_body_is_gzip(const struct msp_buffer *body);

#endif
