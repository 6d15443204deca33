/* Whatever answers in the place of the Claude API. What is taken has a text and a count. */
#include "msp/json_reader.h"
#include "summaries/model_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msp_arena *arena = msp_arena_new(4096);
    struct msp_model_reply reply = {.text = NULL};
    struct msp_error error;
    char type[48];
    if (arena == NULL) {
        abort();
    }
    if (msp_model_reply_read((const char *)data, size, arena, &reply, &error) == MSP_OK &&
        (reply.text == NULL || reply.length == 0 || strlen(reply.text) != reply.length)) {
        abort();
    }
    if (reply.tokens < -1) {
        abort();
    }
    msp_model_error_type((const char *)data, size, type);
    if (strlen(type) >= sizeof type) {
        abort();
    }
    msp_arena_free(arena);
    return 0;
}
