/* The sources there are; a new one is a new row. */
#include "msp/egress_allow.h"
#include "sources/source.h"

#include <string.h>

static const struct msp_source *const sources[] = {
    &msp_mock_source,    &msp_json_source,    &msp_connectwise_source,  &msp_autotask_source,
    &msp_halopsa_source, &msp_zendesk_source, &msp_freshservice_source, &msp_jira_source,
    &msp_zammad_source,  &msp_glpi_source,
};

static const struct msp_source *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (strcmp(sources[i]->name, name) == 0)
            return sources[i];
    }
    return NULL;
}

/* Whether an address among the options is one that EGRESS_ALLOW names with +private. */
static bool is_stand_in(const char *allow, const json_t *options)
{
    const char *name;
    json_t *option;
    /* jansson's loop wants a mutable object but only reads it. */
    json_object_foreach((json_t *)(uintptr_t)options, name, option)
    {
        enum msp_egress_reach reach = MSP_EGRESS_PUBLIC;
        const char *text = json_string_value(option);
        struct msp_error unheard;
        if (text != NULL && strncmp(text, "http", 4) == 0 &&
            msp_egress_allow_check(allow, text, &reach, &unheard) == MSP_OK &&
            reach == MSP_EGRESS_PRIVATE)
            return true;
    }
    return false;
}

enum msp_result msp_source_find(const char *name, const struct msp_settings *settings,
                                const json_t *options, const struct msp_source **out,
                                struct msp_error *error)
{
    const struct msp_source *source = find_row(name);
    if (source == NULL || (source == &msp_mock_source && !settings->mock_mode))
        return msp_fail(error, MSP_NOT_FOUND, "source_unknown",
                        "This server offers no ticket source named \"%s\"; set another with "
                        "msp-analytics source set.",
                        name);
    bool reads_mock = settings->mock_mode && !is_stand_in(settings->egress_allow, options);
    *out = reads_mock ? &msp_mock_source : source;
    return MSP_OK;
}
