/* A traceparent is taken by the W3C's rules, and whatever breaks one of them is none. */
#include "../../workers/http/trace_context.h"

#include <criterion/criterion.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

Test(trace_context, a_sound_field_gives_its_trace_id)
{
    static const char *const sound[] = {"00-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-00",
                                        "cc-" TRACE "-" PARENT "-01",
                                        "cc-" TRACE "-" PARENT "-01-what-the-future-brings"};
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        char id[MSP_TRACE_ID_BYTES] = "";
        cr_expect(msp_trace_id_read(sound[i], id), "%s", sound[i]);
        cr_expect_str_eq(id, TRACE);
    }
}

Test(trace_context, anything_else_is_none)
{
    static const char *const wrong[] = {
        NULL,
        "",
        "00",
        TRACE,
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-more",
        "00-" TRACE "-" PARENT "-01.",
        "cc-" TRACE "-" PARENT "-01.more",
        "ff-" TRACE "-" PARENT "-01",
        "0x-" TRACE "-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-001",
        "00_" TRACE "_" PARENT "_01",
        "00-" TRACE "-" PARENT "-zz",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char id[MSP_TRACE_ID_BYTES] = "untouched";
        cr_expect(!msp_trace_id_read(wrong[i], id), "%s", wrong[i] != NULL ? wrong[i] : "none");
        cr_expect_str_eq(id, "untouched");
    }
}
