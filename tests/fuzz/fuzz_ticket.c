/* Any JSON as a ticket: taken within its bounds, or refused with a code, a pointer and a sentence.
 */
#include "msp/json_reader.h"
#include "msp/ticket.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_taken(const struct msp_ticket *ticket, const json_t *json,
                        struct msp_arena *arena)
{
    struct msp_ticket again;
    size_t length = strlen(ticket->external_id);
    require(length >= 1 && length <= (size_t)128 * 4);
    require(ticket->created_us != MSP_NO_TIME && ticket->updated_us != MSP_NO_TIME);
    require(ticket->csat == MSP_NO_COUNT || (ticket->csat >= 1 && ticket->csat <= 5));
    require(ticket->reopen_count >= MSP_NO_COUNT && ticket->reassignment_count >= MSP_NO_COUNT);
    require(ticket->version == MSP_NO_VERSION || ticket->version >= 0);
    require(msp_ticket_from_json(json, arena, &again, NULL) == MSP_OK);
    require(msp_ticket_same(ticket, &again) && msp_ticket_compare_age(ticket, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct msp_arena *arena;
    json_t *json;
    struct msp_ticket ticket;
    struct msp_error error = {0};

    if (!arena)
        arena = msp_arena_new(4096);
    if (!arena ||
        msp_json_parse((const char *)data, size, &msp_json_request_limits, &json, NULL) != MSP_OK)
        return 0;
    msp_arena_reset(arena);
    enum msp_result result = msp_ticket_from_json(json, arena, &ticket, &error);
    if (result == MSP_OK)
        check_taken(&ticket, json, arena);
    else
        require(result == MSP_INVALID && error.code[0] && error.detail[0]);
    json_decref(json);
    return 0;
}
