/* Any bytes as JSON: what is taken is bounded, and can be written and read again. */
#include "msp/json_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    json_t *readable = (json_t *)(uintptr_t)value;
    const char *name;
    json_t *member;
    size_t i;

    json_object_foreach(readable, name, member) deepest =
        depth_of(member) > deepest ? depth_of(member) : deepest;
    json_array_foreach(readable, i, member) deepest =
        depth_of(member) > deepest ? depth_of(member) : deepest;
    return deepest + (json_is_object(value) || json_is_array(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct msp_json_limits limits = {
        .max_bytes = 4096, .max_depth = 8, .max_elements = 500};
    const char *text = (const char *)data;
    json_t *json = NULL;
    struct msp_error error = {0};

    enum msp_result scanned = msp_json_scan(text, size, &limits, NULL);
    enum msp_result result = msp_json_parse(text, size, &limits, &json, &error);
    require(scanned == MSP_OK || result == scanned);
    if (result != MSP_OK) {
        require(!json && error.code[0] && error.detail[0] && error.result == result);
        return 0;
    }
    require(depth_of(json) <= limits.max_depth);

    static const char *const known[] = {"a", "b", NULL};
    (void)!msp_json_only_members(json, known, &error);

    char *again = json_dumps(json, JSON_COMPACT);
    require(again != NULL);
    json_t *back = NULL;
    const struct msp_json_limits wide = {.max_bytes = 100000, .max_depth = 8, .max_elements = 500};
    require(msp_json_parse(again, strlen(again), &wide, &back, NULL) == MSP_OK);
    json_decref(back);
    free(again);
    json_decref(json);
    return 0;
}
