/* What both languages name alike. */
#include "text_lexicon.h"

#include <string.h>

const char *const msp_priority_names[5] = {"critical", "high", "medium", "low", "none"};
const char *const msp_dimension_names[3] = {"priority", "category", "group"};

static const struct {
    const char *metric;
    uint32_t bit;
} bits[] = {
    {"tickets_created", MSP_M_CREATED},
    {"tickets_resolved", MSP_M_RESOLVED},
    {"tickets_closed", MSP_M_CLOSED},
    {"tickets_reopened", MSP_M_REOPENED},
    {"backlog", MSP_M_BACKLOG},
    {"sla_known", MSP_M_SLA_KNOWN},
    {"sla_met", MSP_M_SLA_MET},
    {"sla_compliance", MSP_M_SLA_COMPLIANCE},
    {"resolution_minutes_mean", MSP_M_RES_MEAN},
    {"resolution_minutes_p50", MSP_M_RES_P50},
    {"resolution_minutes_p90", MSP_M_RES_P90},
    {"resolution_minutes_p95", MSP_M_RES_P95},
    {"first_response_minutes_mean", MSP_M_FIRST_MEAN},
    {"first_response_minutes_p50", MSP_M_FIRST_P50},
    {"first_response_minutes_p90", MSP_M_FIRST_P90},
    {"reopen_rate", MSP_M_REOPEN_RATE},
    {"kill_rate", MSP_M_KILL_RATE},
    {"csat_mean", MSP_M_CSAT_MEAN},
    {"csat_count", MSP_M_CSAT_COUNT},
    {"tickets_created_share", MSP_M_SHARE},
    {"period_from", MSP_M_PERIOD_FROM},
    {"period_to", MSP_M_PERIOD_TO},
    {"period_days", MSP_M_PERIOD_DAYS},
    {"complete_through", MSP_M_COMPLETE},
    {"incomplete_days", MSP_M_INCOMPLETE},
};

uint32_t msp_metric_bit_of(const struct msp_fact *fact)
{
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if (strcmp(bits[i].metric, fact->metric) == 0)
            return bits[i].bit;
    }
    return 0;
}
