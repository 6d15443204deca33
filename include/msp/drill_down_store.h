/* What stands behind KPIs: the very tickets that a cell counts, and how they lie in time. */
#ifndef MSP_DRILL_DOWN_STORE_H
#define MSP_DRILL_DOWN_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/ticket.h"

/* A metric that counts tickets. */
struct msp_counted_metric;

/* NULL for a name that is not a count of tickets: sums, means and percentiles count none. */
const struct msp_counted_metric *msp_counted_metric_find(const char *name);

/* The names one after the other: NULL ends them. */
const char *msp_counted_metric_name(size_t index);
const char *msp_counted_metric_name_of(const struct msp_counted_metric *metric);

struct msp_drill_down {
    const struct msp_counted_metric *metric;
    int32_t from, to;      /* local days, inclusive; a backlog is that of the last computed one */
    const char *dimension; /* "priority", …; NULL = the whole tenant */
    const char *member;    /* NULL = every member; "" = tickets without the value */
    int64_t before_us;     /* of the last ticket seen, MSP_NO_TIME to start */
    const char *before_id;
    int limit;
};

struct msp_counted_ticket {
    struct msp_ticket ticket;
    int64_t counted_us; /* the instant by which it counts on its day; a backlog's is its creation */
};

/* The tickets that the cell counts, latest first, by (instant, external_id). Texts live in `arena`.
 */
enum msp_result msp_drill_down_tickets(struct msp_db *db, int64_t tenant_id,
                                       const struct msp_drill_down *question,
                                       struct msp_arena *arena, int64_t deadline_ms,
                                       struct msp_counted_ticket **out_tickets, size_t *out_count,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Tickets created in the local days from..to by local weekday (0 = Monday) and hour. */
struct msp_arrivals {
    int64_t tickets[7][24];
};
enum msp_result msp_drill_down_arrivals(struct msp_db *db, int64_t tenant_id, int32_t from,
                                        int32_t to, int64_t deadline_ms, struct msp_arrivals *out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* The backlog of a local day by age: tickets[i] are at least msp_backlog_ages_days[i] days old and
 * younger than the next bound. */
#define MSP_BACKLOG_AGES 7
extern const int msp_backlog_ages_days[MSP_BACKLOG_AGES];
struct msp_backlog_age {
    int64_t tickets[MSP_BACKLOG_AGES];
};
enum msp_result msp_drill_down_backlog_age(struct msp_db *db, int64_t tenant_id, int32_t day,
                                           int64_t deadline_ms, struct msp_backlog_age *out,
                                           struct msp_error *error) MSP_MUST_CHECK;

#endif
