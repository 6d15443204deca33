/*
 * What the requests of a worker may take of memory. Long bodies are counted before they are read,
 * and turned away while half of it is taken: short requests then still have room. All of it is a
 * limit of the process, at which the system gives no more and each room answers for itself. Knows
 * no request.
 */
#ifndef MSP_HTTP_MEMORY_BUDGET_H
#define MSP_HTTP_MEMORY_BUDGET_H

#include "msp/result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct msp_memory_budget {
    int64_t bodies_bytes; /* what counted bodies may come to */
    atomic_llong taken_bytes;
};

void msp_memory_budget_init(struct msp_memory_budget *budget, int mebibytes);

/* The most that a JSON body of up to `size_bytes` takes while it is read, and what it takes more
 * once it is parsed: a slow client holds only the first. */
int64_t msp_memory_of_text(int64_t size_bytes);
int64_t msp_memory_of_values(int64_t size_bytes);

/* What a streamed body takes while its lines are neither long nor many at a time. */
#define MSP_MEMORY_OF_STREAM_BYTES INT64_C(1048576)

/* Counts a body; MSP_BUSY while there is no room for it. Any thread. */
enum msp_result msp_memory_take(struct msp_memory_budget *budget, int64_t bytes,
                                struct msp_error *error) MSP_MUST_CHECK;
void msp_memory_give(struct msp_memory_budget *budget, int64_t bytes);

/*
 * From now on the process gets no more than so much memory beyond what it has (RLIMIT_DATA).
 * Called when its threads are there, since their stacks count. Without a word where the system
 * knows no such limit or a sanitizer needs memory of its own.
 */
void msp_memory_limit_process(int mebibytes);

#endif
