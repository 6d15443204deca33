/* Fills error records and names results. Writes nothing anywhere else. */
#include "msp/result.h"

#include "msp/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [MSP_OK] = "ok",
    [MSP_INVALID] = "invalid",
    [MSP_UNAUTHORISED] = "unauthorised",
    [MSP_FORBIDDEN] = "forbidden",
    [MSP_NOT_FOUND] = "not found",
    [MSP_CONFLICT] = "conflict",
    [MSP_TOO_LARGE] = "too large",
    [MSP_BUSY] = "busy",
    [MSP_UNAVAILABLE] = "unavailable",
    [MSP_TIMED_OUT] = "timed out",
    [MSP_CANCELLED] = "cancelled",
    [MSP_NO_MEMORY] = "out of memory",
    [MSP_BROKEN] = "broken",
};

static void copy_whole_characters(char *target, size_t size, const char *text)
{
    size_t length = msp_utf8_prefix_bytes(text, strlen(text), size - 1);
    memcpy(target, text, length);
    target[length] = '\0';
}

/* Built aside, because the arguments may be the very texts of *error. */
MSP_PRINTF(5, 0)
static void fill(struct msp_error *error, enum msp_result result, const char *code,
                 const char *pointer, const char *format, va_list arguments)
{
    struct msp_error fresh;
    char sentence[sizeof fresh.detail + 4]; /* room to see that a character was cut */

    fresh.result = result;
    copy_whole_characters(fresh.code, sizeof fresh.code, code);
    copy_whole_characters(fresh.pointer, sizeof fresh.pointer, pointer);
    if (vsnprintf(sentence, sizeof sentence, format, arguments) < 0)
        sentence[0] = '\0';
    copy_whole_characters(fresh.detail, sizeof fresh.detail, sentence);
    *error = fresh;
}

enum msp_result msp_fail(struct msp_error *error, enum msp_result result, const char *code,
                         const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, result, code, "", format, arguments);
        va_end(arguments);
    }
    return result;
}

enum msp_result msp_fail_at(struct msp_error *error, enum msp_result result, const char *code,
                            const char *pointer, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, result, code, pointer, format, arguments);
        va_end(arguments);
    }
    return result;
}

const char *msp_result_name(enum msp_result result)
{
    size_t at = (size_t)result;
    return at < sizeof names / sizeof names[0] && names[at] ? names[at] : "unknown result";
}
