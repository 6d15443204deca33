/* Messages for Slack: its markup cannot be smuggled in. */
#include "notifications/slack.h"

#include <criterion/criterion.h>

static const char *write_message(const char *subject, const char *text)
{
    static struct msp_buffer out;
    msp_buffer_done(&out);
    msp_buffer_init(&out, 0);
    msp_slack_message_write(subject, text, &out);
    cr_assert_not(out.failed);
    msp_buffer_append(&out, "", 1);
    return out.data;
}

Test(slack, puts_the_subject_in_bold_above_the_text)
{
    cr_assert_str_eq(write_message("Export", "done\nin 3 s"),
                     "{\"text\":\"*Export*\\ndone\\nin 3 s\"}");
    cr_assert_str_eq(write_message("", "done"), "{\"text\":\"done\"}");
    cr_assert_str_eq(write_message("", ""), "{\"text\":\"\"}");
}

Test(slack, escapes_what_would_call_everybody_or_hide_a_link)
{
    cr_assert_str_eq(write_message("a<b", "<!channel> <http://evil|good> & \"q\""),
                     "{\"text\":\"*a&lt;b*\\n&lt;!channel&gt; &lt;http://evil|good&gt; &amp; "
                     "\\\"q\\\"\"}");
}
