/* The freshness of all sources at a look, for the status board. */
#include "msp/health_store.h"

#include "wire.h"

#include "msp/no_value.h"
#include "msp/source_kinds.h"

#include <string.h>

static const struct msp_statement freshness_statement = {
    "source_freshness",
    "SELECT kind, tenants, never_drained, failing, oldest_drained_at FROM msp.source_freshness()",
    true};

/* The row of a kind; MSP_BOARD_SOURCES where it has none. */
static size_t row_of(const char *name)
{
    for (size_t i = 0; i < MSP_BOARD_SOURCES && msp_source_kind_at(i) != NULL; i++) {
        if (strcmp(msp_source_kind_at(i)->name, name) == 0)
            return i;
    }
    return MSP_BOARD_SOURCES;
}

enum msp_result msp_health_sources(struct msp_db *db, int64_t deadline_ms,
                                   struct msp_board_source out[MSP_BOARD_SOURCES],
                                   struct msp_error *error)
{
    struct msp_call call = {&freshness_statement, NULL, NULL};
    const struct msp_scope scope = {0, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    for (size_t i = 0; i < MSP_BOARD_SOURCES; i++)
        out[i] = (struct msp_board_source){.oldest_drained_us = MSP_NO_TIME};
    for (int row = 0; row < PQntuples(call.result); row++) {
        size_t at = row_of(msp_result_text(call.result, row, 0));
        if (at == MSP_BOARD_SOURCES)
            continue;
        out[at].tenants = msp_result_int(call.result, row, 1);
        out[at].never_drained = msp_result_int(call.result, row, 2);
        out[at].failing = msp_result_int(call.result, row, 3);
        out[at].oldest_drained_us = msp_wire_time(call.result, row, 4);
    }
    msp_calls_clear(&call, 1);
    return MSP_OK;
}
