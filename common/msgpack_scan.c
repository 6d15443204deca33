/*
 * Walks over msgpack without recursion and without memory of its own. It
 * checks sizes and nesting only; what the values mean is for others.
 */
#include "msgpack_scan.h"

#include <stdint.h>

#define DEEPEST 16

struct scan {
    const unsigned char *at;
    size_t left;
};

/* What one value consists of after its first byte. */
struct shape {
    unsigned count_bytes;   /* bytes of a big-endian count that follow */
    uint32_t count;         /* the count itself when it is in the first byte */
    unsigned items_a_count; /* 0: the count is bytes; 1: elements; 2: keys and values */
    bool known;
};

/* First bytes 0xc0 to 0xdf, where the kind is not in the high bits. */
static const struct shape shapes[32] = {
    [0x00] = {.known = true},                                       /* nil */
    [0x02] = {.known = true},                                       /* false */
    [0x03] = {.known = true},                                       /* true */
    [0x04] = {.known = true, .count_bytes = 1},                     /* bin 8 */
    [0x05] = {.known = true, .count_bytes = 2},                     /* bin 16 */
    [0x06] = {.known = true, .count_bytes = 4},                     /* bin 32 */
    [0x0a] = {.known = true, .count = 4},                           /* float 32 */
    [0x0b] = {.known = true, .count = 8},                           /* float 64 */
    [0x0c] = {.known = true, .count = 1},                           /* uint 8 */
    [0x0d] = {.known = true, .count = 2},                           /* uint 16 */
    [0x0e] = {.known = true, .count = 4},                           /* uint 32 */
    [0x0f] = {.known = true, .count = 8},                           /* uint 64 */
    [0x10] = {.known = true, .count = 1},                           /* int 8 */
    [0x11] = {.known = true, .count = 2},                           /* int 16 */
    [0x12] = {.known = true, .count = 4},                           /* int 32 */
    [0x13] = {.known = true, .count = 8},                           /* int 64 */
    [0x19] = {.known = true, .count_bytes = 1},                     /* str 8 */
    [0x1a] = {.known = true, .count_bytes = 2},                     /* str 16 */
    [0x1b] = {.known = true, .count_bytes = 4},                     /* str 32 */
    [0x1c] = {.known = true, .count_bytes = 2, .items_a_count = 1}, /* array 16 */
    [0x1d] = {.known = true, .count_bytes = 4, .items_a_count = 1}, /* array 32 */
    [0x1e] = {.known = true, .count_bytes = 2, .items_a_count = 2}, /* map 16 */
    [0x1f] = {.known = true, .count_bytes = 4, .items_a_count = 2}, /* map 32 */
};

static struct shape shape_of(unsigned char first)
{
    if (first < 0x80 || first >= 0xe0) { /* the number is the byte itself */
        return (struct shape){.known = true};
    }
    if (first < 0x90) {
        return (struct shape){.known = true, .count = first & 0x0fu, .items_a_count = 2};
    }
    if (first < 0xa0) {
        return (struct shape){.known = true, .count = first & 0x0fu, .items_a_count = 1};
    }
    if (first < 0xc0) {
        return (struct shape){.known = true, .count = first & 0x1fu};
    }
    return shapes[first - 0xc0];
}

/* Takes one value, or the head of a container, whose number of items goes to *out_items. */
static bool take_value(struct scan *scan, uint64_t *out_items)
{
    if (scan->left == 0) {
        return false;
    }
    struct shape shape = shape_of(*scan->at);
    scan->at++;
    scan->left--;
    if (!shape.known || scan->left < shape.count_bytes) {
        return false;
    }
    uint64_t count = shape.count;
    for (unsigned i = 0; i < shape.count_bytes; i++) {
        count = count << 8 | *scan->at;
        scan->at++;
        scan->left--;
    }
    if (shape.items_a_count == 0) {
        if (count > scan->left) {
            return false;
        }
        scan->at += count;
        scan->left -= count;
        *out_items = 0;
        return true;
    }
    *out_items = count * shape.items_a_count;
    return *out_items <= scan->left; /* an item has a byte at least */
}

bool msp_msgpack_scan(const void *bytes, size_t size, unsigned max_items, unsigned max_depth)
{
    struct scan scan = {.at = bytes, .left = size};
    uint64_t open[DEEPEST]; /* items still to come, a level */
    unsigned depth = 0;
    unsigned items = 0;
    do {
        uint64_t inside = 0;
        items++;
        if (items > max_items || !take_value(&scan, &inside)) {
            return false;
        }
        if (depth > 0) {
            open[depth - 1]--;
        }
        if (inside > 0) {
            if (depth >= max_depth || depth >= DEEPEST) {
                return false;
            }
            open[depth] = inside;
            depth++;
        }
        while (depth > 0 && open[depth - 1] == 0) {
            depth--;
        }
    } while (depth > 0);
    return scan.left == 0;
}
