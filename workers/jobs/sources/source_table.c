/* The sources there are; a new one is a new row. */
#include "sources/source.h"

#include <string.h>

static const struct msp_source *const sources[] = {
    &msp_mock_source,
};

enum msp_result msp_source_find(const char *name, const struct msp_settings *settings,
                                const struct msp_source **out, struct msp_error *error)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (strcmp(sources[i]->name, name) != 0) {
            continue;
        }
        if (!sources[i]->offered(settings)) {
            return msp_fail(error, MSP_NOT_FOUND, "source_not_offered",
                            "The ticket source \"%s\" is switched off by this server's settings.",
                            name);
        }
        *out = sources[i];
        return MSP_OK;
    }
    return msp_fail(error, MSP_NOT_FOUND, "source_unknown",
                    "This server knows no ticket source named \"%s\"; set another with "
                    "msp-analytics tenant set.",
                    name);
}
