/* The memory of bodies: what is taken past the share is refused, what is given back is there again.
 */
#include "memory_budget.h"

#include <criterion/criterion.h>

#define MEBIBYTE INT64_C(1048576)

Test(memory_budget, lets_bodies_have_half_and_not_a_byte_more)
{
    struct msp_memory_budget budget;
    struct msp_error error;
    msp_memory_budget_init(&budget, 32);
    cr_assert_eq(msp_memory_take(&budget, 16 * MEBIBYTE, &error), MSP_OK);
    cr_assert_eq(msp_memory_take(&budget, 1, &error), MSP_BUSY);
    cr_expect_str_eq(error.code, "memory_busy");
    msp_memory_give(&budget, 1);
    cr_assert_eq(msp_memory_take(&budget, 1, &error), MSP_OK);
    msp_memory_give(&budget, 16 * MEBIBYTE);
    cr_assert_eq(msp_memory_take(&budget, 16 * MEBIBYTE, &error), MSP_OK);
}

Test(memory_budget, knows_that_a_parsed_body_is_bounded_by_its_values)
{
    cr_expect_eq(msp_memory_of_text(1000), 2000);
    cr_expect_eq(msp_memory_of_values(0), 0);
    cr_expect_eq(msp_memory_of_values(1000), 79000);
    cr_expect_lt(msp_memory_of_values(262144), 5 * MEBIBYTE);
    cr_expect_eq(msp_memory_of_values(1048576), msp_memory_of_values(262144));
}
