/* Parameter values of a statement, in PostgreSQL's binary form where that is shorter than text. */
#include "msp/db.h"

#include "msp/no_value.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01: days and microseconds between that and 1970-01-01. */
#define POSTGRES_EPOCH_DAY 10957
#define POSTGRES_EPOCH_US  (INT64_C(86400) * POSTGRES_EPOCH_DAY * 1000000)

void msp_params_init(struct msp_params *params)
{
    params->count = 0;
}

static int next(struct msp_params *params)
{
    if (params->count == MSP_DB_MAX_PARAMS)
        abort(); /* a statement with more parameters than the struct was made for */
    return params->count++;
}

void msp_params_binary(struct msp_params *params, const void *bytes, size_t size)
{
    int at = next(params);
    params->values[at] = bytes;
    params->lengths[at] = (int)size;
    params->formats[at] = 1;
}

static void add_scratch(struct msp_params *params, const void *bytes, size_t size)
{
    char *scratch = params->scratch[params->count < MSP_DB_MAX_PARAMS ? params->count : 0];
    memcpy(scratch, bytes, size);
    msp_params_binary(params, scratch, size);
}

void msp_params_null(struct msp_params *params)
{
    int at = next(params);
    params->values[at] = NULL;
    params->lengths[at] = 0;
    params->formats[at] = 0;
}

void msp_params_text(struct msp_params *params, const char *text)
{
    int at = next(params);
    params->values[at] = text;
    params->lengths[at] = 0;
    params->formats[at] = 0;
}

void msp_params_int(struct msp_params *params, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    add_scratch(params, &wire, sizeof(wire));
}

void msp_params_bool(struct msp_params *params, bool value)
{
    char wire = value ? 1 : 0;
    add_scratch(params, &wire, sizeof(wire));
}

void msp_params_day(struct msp_params *params, int32_t unix_day)
{
    if (unix_day == MSP_NO_DAY) {
        msp_params_null(params);
        return;
    }
    uint32_t wire = htobe32((uint32_t)(unix_day - POSTGRES_EPOCH_DAY));
    add_scratch(params, &wire, sizeof(wire));
}

void msp_params_time(struct msp_params *params, int64_t unix_us)
{
    if (unix_us == MSP_NO_TIME) {
        msp_params_null(params);
        return;
    }
    uint64_t wire = htobe64((uint64_t)(unix_us - POSTGRES_EPOCH_US));
    add_scratch(params, &wire, sizeof(wire));
}
