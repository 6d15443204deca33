/*
 * A look at msgpack before anything is unpacked: five bytes can announce two
 * thousand million elements, and the unpacker would reserve memory for all of them.
 */
#ifndef MSP_MSGPACK_SCAN_H
#define MSP_MSGPACK_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the bytes are exactly one msgpack value of at most `max_items` values in all and
 * `max_depth` nested containers (up to 16), with every count fitting into the bytes that are left.
 * Extension types are refused. The format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
bool msp_msgpack_scan(const void *bytes, size_t size, unsigned max_items, unsigned max_depth);

#endif
