/* The length field of a frame, for the two files that read it. */
#ifndef MSP_JOB_FRAME_H
#define MSP_JOB_FRAME_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes that follow a length field; false if it is out of range. */
bool msp_frame_body_bytes(const unsigned char head[4], size_t *out);

#endif
