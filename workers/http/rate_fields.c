/* The two fields of the rate limits, straight into the answer's head: every counted answer has
 * them. */
#include "rate_fields.h"

/* "read" for the first policy of a class, "read-86400" for those behind it: its window. */
static void append_name(struct msp_buffer *out, enum msp_limit_class limit_class,
                        const struct msp_rate_standing *standing, int index)
{
    msp_buffer_append_text(out, "\"");
    msp_buffer_append_text(out, msp_limit_class_name(limit_class));
    if (index > 0)
        msp_buffer_printf(out, "-%d", (int)standing->policies[index].window_seconds);
    msp_buffer_append_text(out, "\"");
}

void msp_rate_fields_write(enum msp_limit_class limit_class,
                           const struct msp_rate_standing *standing, struct msp_response *response)
{
    struct msp_buffer *out = &response->headers;
    if (standing->count == 0)
        return;
    for (int i = 0; i < standing->count; i++) {
        msp_buffer_append_text(out, i == 0 ? "RateLimit-Policy: " : ", ");
        append_name(out, limit_class, standing, i);
        msp_buffer_printf(out, ";q=%d;w=%d", (int)standing->policies[i].limit,
                          (int)standing->policies[i].window_seconds);
    }
    const struct msp_rate_state *state = &standing->states[standing->tightest];
    msp_buffer_append_text(out, "\r\nRateLimit: ");
    append_name(out, limit_class, standing, standing->tightest);
    msp_buffer_printf(out, ";r=%d;t=%d\r\n", (int)state->remaining, (int)state->reset_seconds);
}
