/* Reads Retry-After. How long it is believed is the reader's business. */
#include "retry_after.h"

#include <string.h>
#include <time.h>

/* RFC 9110, 10.2.3: seconds, or a date. */
int64_t msp_retry_after_seconds(const char *field, int64_t unix_seconds)
{
    size_t digits = strspn(field, "0123456789");
    if (digits > 0 && field[digits] == '\0') {
        int64_t seconds = 0;
        for (size_t i = 0; i < digits && seconds < 1000000; i++) {
            seconds = seconds * 10 + (field[i] - '0');
        }
        return seconds;
    }
    struct tm date = {0};
    const char *end = strptime(field, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == NULL || *end != '\0') {
        return 0;
    }
    int64_t seconds = (int64_t)timegm(&date) - unix_seconds;
    return seconds > 0 ? seconds : 0;
}
