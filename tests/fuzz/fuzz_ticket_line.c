/* The quick reader of a ticket's line and jansson: where the quick one says yes, both say the same.
 */
#include "msp/json_reader.h"
#include "ticket_line.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct msp_json_limits limits = {256 * 1024, 8, 20000};
    static struct msp_arena *arena;
    struct msp_ticket plain;
    struct msp_ticket sure;
    json_t *object;

    if (!arena)
        arena = msp_arena_new(65536);
    if (!arena)
        return 0;
    msp_arena_reset(arena);
    if (!msp_ticket_read_plainly((const char *)data, size, arena, &plain))
        return 0;
    require(msp_json_parse((const char *)data, size, &limits, &object, NULL) == MSP_OK);
    require(msp_ticket_from_json(object, arena, &sure, NULL) == MSP_OK);
    require(msp_ticket_same(&plain, &sure));
    json_decref(object);
    return 0;
}
