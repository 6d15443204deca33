/* Promises of common/decimal.h. Those of doubles are json_writer.c's, whose header has them. */
#include "decimal.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of each length the first, the last and some between. */
Test(decimal, whole_numbers_are_written_as_printf_would)
{
    uint64_t state = 88172645463325252ULL;
    for (uint64_t first = 1;; first *= 10) {
        uint64_t last = first == UINT64_C(1000000000000000000) ? INT64_MAX : first * 10 - 1;
        for (int round = 0; round < 2000; round++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            uint64_t size = round == 0   ? first
                            : round == 1 ? last
                                         : first + state % (last - first + 1);
            for (int sign = -1; sign <= 1; sign += 2) {
                char expected[32];
                char text[MSP_INT64_TEXT_BYTES];
                int length = snprintf(expected, sizeof expected, "%" PRId64, sign * (int64_t)size);
                cr_assert_eq(msp_int64_format(sign * (int64_t)size, text), (size_t)length);
                cr_assert_eq(memcmp(text, expected, (size_t)length), 0, "%s", expected);
            }
        }
        if (last == INT64_MAX)
            break;
    }
}
