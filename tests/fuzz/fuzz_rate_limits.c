/* Any text as RATE_LIMITS: taken within its bounds and only where every word is a part, or refused
 * with a sentence and nothing changed. */
#include "msp/rate_limits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONGEST_WINDOW_SECONDS (31 * 86400)

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_class(int count, const struct msp_rate_policy *policies)
{
    require(count >= 0 && count <= MSP_RATE_POLICIES_MOST);
    for (int i = 0; i < count; i++) {
        require(policies[i].limit >= 1 && policies[i].limit <= MSP_RATE_LIMIT_MOST);
        require(policies[i].window_seconds >= 1);
        require(policies[i].window_seconds <= LONGEST_WINDOW_SECONDS);
        for (int j = 0; j < i; j++)
            require(policies[i].window_seconds != policies[j].window_seconds);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msp_rate_limits before = msp_rate_limits_default();
    struct msp_rate_limits limits = msp_rate_limits_default();
    struct msp_rate_limits again;
    struct msp_error error = {0};
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (msp_rate_limits_parse(text, &limits, &error) == MSP_OK) {
        require(strspn(text, "abcdefghijklmnopqrstuvwxyz=/, 0123456789") == strlen(text));
        for (int i = 0; i < MSP_LIMIT_CLASSES; i++)
            check_class(limits.classes[i].count, limits.classes[i].policies);
        again = limits;
        require(msp_rate_limits_parse(text, &again, &error) == MSP_OK);
        require(memcmp(&again, &limits, sizeof again) == 0);
    } else {
        require(error.result == MSP_INVALID && error.detail[0] != '\0');
        require(memcmp(&before, &limits, sizeof before) == 0);
    }
    free(text);
    return 0;
}
