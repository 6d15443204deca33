/* Reads a traceparent by the rules of the W3C. Makes none. */
#include "trace_context.h"

#include <stddef.h>
#include <string.h>

#define VERSION_AT 0
#define TRACE_AT   3
#define PARENT_AT  36
#define FLAGS_AT   53
#define LENGTH_00  55

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool is_zero(const char *text, size_t length)
{
    return strspn(text, "0") >= length;
}

bool msp_trace_id_read(const char *field, char out[MSP_TRACE_ID_BYTES])
{
    if (field == NULL || strlen(field) < LENGTH_00)
        return false;
    const bool is_00 = strncmp(field, "00", 2) == 0;
    const bool cut = field[TRACE_AT - 1] == '-' && field[PARENT_AT - 1] == '-' &&
                     field[FLAGS_AT - 1] == '-' &&
                     (field[LENGTH_00] == '\0' || (!is_00 && field[LENGTH_00] == '-'));
    if (!cut || !is_hex(field + VERSION_AT, 2) || strncmp(field, "ff", 2) == 0 ||
        !is_hex(field + TRACE_AT, 32) || is_zero(field + TRACE_AT, 32) ||
        !is_hex(field + PARENT_AT, 16) || is_zero(field + PARENT_AT, 16) ||
        !is_hex(field + FLAGS_AT, 2))
        return false;
    memcpy(out, field + TRACE_AT, MSP_TRACE_ID_BYTES - 1);
    out[MSP_TRACE_ID_BYTES - 1] = '\0';
    return true;
}
