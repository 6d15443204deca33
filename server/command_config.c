/* msp-analytics check-config and show-config: the settings as people need them before a start. */
#include "command.h"

#include <stdio.h>

int msp_command_check_config(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, msp_command_serve_needs, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    (void)printf("configuration is fine\n");
    return MSP_COMMAND_DONE;
}

static int print(const struct msp_invocation *invocation, struct msp_buffer *text)
{
    const bool whole = !text->failed;
    if (whole)
        (void)fwrite(text->data, 1, text->length, stdout);
    else
        msp_invocation_complain(invocation, "out of memory");
    msp_buffer_done(text);
    return whole ? MSP_COMMAND_DONE : MSP_COMMAND_FAILED;
}

int msp_command_show_config(const struct msp_invocation *invocation)
{
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    if (msp_invocation_option(invocation, "sample") != NULL) {
        msp_settings_sample(&text);
        return print(invocation, &text);
    }
    if (msp_invocation_option(invocation, "markdown") != NULL) {
        msp_settings_markdown(&text);
        return print(invocation, &text);
    }
    static const char *const nothing[] = {NULL};
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, nothing, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    msp_settings_show(&settings, invocation->json, &text);
    return print(invocation, &text);
}
