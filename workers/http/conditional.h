/* What RFC 9110 lets a client say about the copy it has, and about the part it wants. Pure. */
#ifndef MSP_HTTP_CONDITIONAL_H
#define MSP_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

/* If-None-Match (section 13.1.2): whether the field (NULL = absent) names this entity tag, which
 * has its quotes. Weak tags of the field count as strong ones here. */
bool msp_if_none_match(const char *field, const char *etag);

/* Accept-Encoding (section 12.5.3): whether it names gzip with a weight above 0. */
bool msp_accepts_gzip(const char *field);

enum msp_range {
    MSP_RANGE_ALL,    /* no Range, or one that a server may ignore: the whole */
    MSP_RANGE_PART,   /* *out_first to *out_last, both inclusive */
    MSP_RANGE_OUTSIDE /* none of it exists: 416 */
};

/*
 * Range and If-Range (section 14.2 and 13.1.5) for a content of `size` bytes. Several ranges, other
 * units and what cannot be read are ignored, as is a range of another content than the one with
 * this entity tag.
 */
enum msp_range msp_range_read(const char *range, const char *if_range, const char *etag,
                              int64_t size, int64_t *out_first, int64_t *out_last);

#endif
