/* The tickets that stand behind each metric, as statements. */
#ifndef MSP_DB_COUNTED_METRIC_H
#define MSP_DB_COUNTED_METRIC_H

#include "msp/drill_down_store.h"

/*
 * Both take the same parameters: $1 tenant; $2 from; $3 to; $4 dimension; $5 member; $6 and $7 the
 * instant and id of the last ticket seen; $8 how many at most, null for all; then by
 * `narrowing`: $9 weekday and $10 hour, or $9 and $10 the ages in seconds from and below which, and
 * $11 the present.
 */
struct msp_counted_metric {
    const char *name;
    struct msp_statement list;  /* latest first; columns in the order of enum msp_ticket_column */
    struct msp_statement count; /* one number */
    struct msp_statement open;  /* the list as the cursor MSP_TICKETS_CURSOR */
    enum msp_narrowing narrowing;
};

#define MSP_TICKETS_CURSOR "msp_tickets"

enum msp_ticket_column {
    MSP_TICKET_COUNTED,
    MSP_TICKET_EXTERNAL_ID,
    MSP_TICKET_TITLE,
    MSP_TICKET_STATUS,
    MSP_TICKET_SOURCE_STATUS,
    MSP_TICKET_PRIORITY,
    MSP_TICKET_CATEGORY,
    MSP_TICKET_ASSIGNEE,
    MSP_TICKET_REQUESTER,
    MSP_TICKET_GROUP,
    MSP_TICKET_CHANNEL,
    MSP_TICKET_CREATED,
    MSP_TICKET_UPDATED,
    MSP_TICKET_FIRST_RESPONSE,
    MSP_TICKET_RESOLVED,
    MSP_TICKET_CLOSED,
    MSP_TICKET_DUE,
    MSP_TICKET_SLA_MET,
    MSP_TICKET_REOPENS,
    MSP_TICKET_REASSIGNMENTS,
    MSP_TICKET_CSAT,
    MSP_TICKET_VERSION,
};

#endif
