/* Limits as people write them. */
#include "msp/rate_limits.h"

#include <criterion/criterion.h>
#include <string.h>

Test(rate_limits, a_class_has_its_policies_and_the_others_stay)
{
    struct msp_rate_limits limits = {0};
    struct msp_error error;

    cr_assert_eq(msp_rate_limits_parse("read=1200/60 write=120/60,2000/86400", &limits, &error),
                 MSP_OK);
    cr_assert_eq(limits.classes[MSP_LIMIT_READ].count, 1);
    cr_assert_eq(limits.classes[MSP_LIMIT_READ].policies[0].limit, 1200);
    cr_assert_eq(limits.classes[MSP_LIMIT_READ].policies[0].window_seconds, 60);
    cr_assert_eq(limits.classes[MSP_LIMIT_WRITE].count, 2);
    cr_assert_eq(limits.classes[MSP_LIMIT_WRITE].policies[1].window_seconds, 86400);
    cr_assert_eq(limits.classes[MSP_LIMIT_EXPORT].count, 0);
    cr_assert_eq(msp_rate_limits_parse("read=5/1", &limits, &error), MSP_OK);
    cr_assert_eq(limits.classes[MSP_LIMIT_READ].policies[0].limit, 5);
    cr_assert_eq(limits.classes[MSP_LIMIT_WRITE].count, 2);
    cr_assert_eq(msp_rate_limits_parse("  ", &limits, &error), MSP_OK);
}

Test(rate_limits, what_is_no_limit_is_refused_and_changes_nothing)
{
    static const char *const wrong[] = {
        "read",
        "read=",
        "read=1200",
        "read=1200/",
        "read=/60",
        "read=0/60",
        "read=1/0",
        "read=-1/60",
        "read=1/60s",
        "read=1/60,",
        "none=1/60",
        "Read=1/60",
        "colour=1/60",
        "=1/60",
        "read=1/60,2/60",
        "read=1/1,1/2,1/3,1/4",
        "read=999999999999/60",
        "read=1/9999999",
        "read=1/60;write=1/60",
        "write=1/60 read=x",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct msp_rate_limits limits = {0};
        struct msp_error error;
        cr_assert_eq(msp_rate_limits_parse(wrong[i], &limits, &error), MSP_INVALID, "%s", wrong[i]);
        for (int c = 0; c < MSP_LIMIT_CLASSES; c++)
            cr_assert_eq(limits.classes[c].count, 0, "%s", wrong[i]);
    }
}

Test(rate_limits, a_tenants_own_may_name_every_class_but_the_service_tokens)
{
    struct msp_error error;
    cr_assert_eq(msp_rate_limits_check_tenants("", &error), MSP_OK);
    cr_assert_eq(msp_rate_limits_check_tenants("read=1/60 write=1/60,2/3600 export=1/1", &error),
                 MSP_OK);
    cr_assert_eq(msp_rate_limits_check_tenants("read=1", &error), MSP_INVALID);
    cr_assert_eq(msp_rate_limits_check_tenants("read=1/60 service=1/60", &error), MSP_INVALID);
    cr_expect_str_eq(error.code, "limits_of_no_tenant");
}
