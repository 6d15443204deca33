/* Counting of long bodies, and the limit of the process behind it. */
#include "memory_budget.h"

#include "msp/json_reader.h"
#include "msp/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECKED_BY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECKED_BY_SANITIZER 1
#endif
#endif

#define BYTES_A_MEBIBYTE INT64_C(1048576)

/* The text stands in a buffer that may be twice its size; a parsed body took up to 79 times its
 * text, which is 237 bytes a value. */
#define BUFFER_TIMES     2
#define PARSED_TIMES     79
#define BYTES_OF_A_VALUE 240

void msp_memory_budget_init(struct msp_memory_budget *budget, int mebibytes)
{
    budget->bodies_bytes = mebibytes * BYTES_A_MEBIBYTE / 2;
    atomic_init(&budget->taken_bytes, 0);
}

int64_t msp_memory_of_text(int64_t size_bytes)
{
    return size_bytes * BUFFER_TIMES;
}

int64_t msp_memory_of_values(int64_t size_bytes)
{
    int64_t most = (int64_t)msp_json_request_limits.max_elements * BYTES_OF_A_VALUE;
    int64_t parsed = size_bytes * PARSED_TIMES;
    return parsed < most ? parsed : most;
}

enum msp_result msp_memory_take(struct msp_memory_budget *budget, int64_t bytes,
                                struct msp_error *error)
{
    long long taken = atomic_load(&budget->taken_bytes);
    do {
        if (taken + bytes > budget->bodies_bytes)
            return msp_fail(error, MSP_BUSY, "memory_busy",
                            "The bodies of other requests take the memory there is for them; try "
                            "again in a moment.");
    } while (!atomic_compare_exchange_weak(&budget->taken_bytes, &taken, taken + bytes));
    return MSP_OK;
}

void msp_memory_give(struct msp_memory_budget *budget, int64_t bytes)
{
    if (bytes > 0)
        atomic_fetch_sub(&budget->taken_bytes, bytes);
}

#ifdef CHECKED_BY_SANITIZER
void msp_memory_limit_process(int mebibytes)
{
    (void)mebibytes;
}
#else
/* What the limit is measured against: private memory that can be written, touched or not. */
static bool read_data_bytes(int64_t *out)
{
    char line[128];
    bool found = false;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && !found && fgets(line, sizeof line, status) != NULL) {
        found = strncmp(line, "VmData:", 7) == 0;
        if (found)
            *out = strtoll(line + 7, NULL, 10) * 1024;
    }
    if (status != NULL)
        (void)fclose(status);
    return found;
}

void msp_memory_limit_process(int mebibytes)
{
    struct rlimit limit;
    int64_t present_bytes = 0;
    if (!read_data_bytes(&present_bytes) || getrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t)(present_bytes + mebibytes * BYTES_A_MEBIBYTE);
    if (wanted >= limit.rlim_cur) /* RLIM_INFINITY is the greatest number */
        return;
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        msp_log(MSP_LOG_WARNING, "Cannot limit the memory of this worker to HTTP_MEMORY_MIB", NULL);
}
#endif
