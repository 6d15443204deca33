/* Retry-After: seconds or a date, and nothing that breaks the arithmetic behind it. */
#include "retry_after.h"

#include <criterion/criterion.h>
#include <limits.h>

Test(retry_after, reads_both_forms_of_retry_after)
{
    int64_t now = 1767225600; /* 2026-01-01T00:00:00Z */
    cr_assert_eq(msp_retry_after_seconds("120", now), 120);
    cr_assert_eq(msp_retry_after_seconds("0", now), 0);
    cr_assert_eq(msp_retry_after_seconds("Thu, 01 Jan 2026 00:01:30 GMT", now), 90);
    cr_assert_eq(msp_retry_after_seconds("Wed, 31 Dec 2025 23:59:59 GMT", now), 0);
    cr_assert_eq(msp_retry_after_seconds("", now), 0);
    cr_assert_eq(msp_retry_after_seconds("soon", now), 0);
    cr_assert_eq(msp_retry_after_seconds("-5", now), 0);
    cr_assert(msp_retry_after_seconds("99999999999999999999999999", now) < INT_MAX);
}
