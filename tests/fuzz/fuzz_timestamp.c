/* Any bytes as an instant or a day: what is taken is written and read back as the same. */
#include "msp/timestamp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void try_instant(const char *text, size_t size)
{
    int64_t unix_us;
    int64_t back;
    char written[MSP_TIMESTAMP_TEXT_BYTES];
    if (!msp_timestamp_parse(text, size, &unix_us))
        return;
    msp_timestamp_format(unix_us, written);
    require(msp_timestamp_parse(written, strlen(written), &back) && back == unix_us);
}

static void try_day(const char *text, size_t size)
{
    int32_t day;
    char written[MSP_DAY_TEXT_BYTES];
    if (!msp_day_parse(text, size, &day))
        return;
    msp_day_format(day, written);
    require(strlen(written) == size && memcmp(written, text, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_instant((const char *)data, size);
    try_day((const char *)data, size);

    int64_t any = 0;
    char written[MSP_TIMESTAMP_TEXT_BYTES];
    memcpy(&any, data, size < sizeof any ? size : sizeof any);
    msp_timestamp_format(any, written);
    require(memchr(written, '\0', sizeof written) != NULL);
    return 0;
}
