/*
 * The status board and the answer cache in Prometheus' text exposition format, version 0.0.4. Every
 * figure comes from shared memory, so that each worker gives the same answer; labels are words of
 * this program (kinds, lanes), never a tenant's or a caller's, so that their number stays small.
 */
#ifndef MSP_HTTP_METRICS_TEXT_H
#define MSP_HTTP_METRICS_TEXT_H

#include "msp/buffer.h"
#include "msp/shared_map.h"

#define MSP_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

void msp_metrics_write(const struct msp_shared_map *shared, struct msp_buffer *out);

#endif
