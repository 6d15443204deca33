/* What stands behind KPIs: the very tickets that a cell counts, and how they lie in time. */
#ifndef MSP_DRILL_DOWN_STORE_H
#define MSP_DRILL_DOWN_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/ticket.h"

/* A count of tickets. */
struct msp_counted_metric;

/* The count of that name, or the one that a sum, mean, ratio or percentile of that name is made of;
 * NULL for what is no metric. */
const struct msp_counted_metric *msp_counted_metric_find(const char *name);
const char *msp_counted_metric_name(const struct msp_counted_metric *metric);

/* What its tickets can be narrowed by, besides a dimension. */
enum msp_narrowing { MSP_NARROWS_BY_NOTHING, MSP_NARROWS_BY_HOUR, MSP_NARROWS_BY_AGE };
enum msp_narrowing msp_counted_metric_narrowing(const struct msp_counted_metric *metric);

/* How old tickets of a backlog are: at least `from_days` days and less than `to_days`. */
#define MSP_BACKLOG_AGES 7
#define MSP_NO_END       (-1)
struct msp_backlog_age {
    const char *name; /* "3-7" */
    int from_days;
    int to_days; /* MSP_NO_END: any age above */
};
extern const struct msp_backlog_age msp_backlog_ages[MSP_BACKLOG_AGES]; /* ascending, from 0 */
const struct msp_backlog_age *msp_backlog_age_find(const char *name);   /* NULL = none */

#define MSP_ANY_WEEKDAY 0
#define MSP_ANY_HOUR    (-1)

struct msp_drill_down {
    const struct msp_counted_metric *metric;
    int32_t from, to;      /* local days, inclusive; a backlog is that of the last computed one */
    const char *dimension; /* "priority", …; NULL = the whole tenant */
    const char *member;    /* NULL = every member; "" = tickets without the value */
    int weekday, hour;     /* local, of the creation: 1 Monday to 7, 0 to 23; for narrowing by it */
    const struct msp_backlog_age *age; /* NULL = any; then `from` is `to`, computed or not */
    int64_t now_us;                    /* of a day that is not over, ages are those of then */
    int64_t before_us;                 /* of the last ticket seen, MSP_NO_TIME to start */
    const char *before_id;
    int limit;
};

struct msp_counted_ticket {
    struct msp_ticket ticket;
    int64_t counted_us; /* the instant by which it counts on its day; a backlog's is its creation */
};

/* The tickets that the cell counts, latest first, by (instant, external_id). Texts live in `arena`.
 * `out_total` NULL or all of them, wherever the page begins. */
enum msp_result msp_drill_down_tickets(struct msp_db *db, int64_t tenant_id,
                                       const struct msp_drill_down *question,
                                       struct msp_arena *arena, int64_t deadline_ms,
                                       struct msp_counted_ticket **out_tickets, size_t *out_count,
                                       int64_t *out_total, struct msp_error *error) MSP_MUST_CHECK;

/* One ticket of a walk; its texts last for the call. What is not MSP_OK ends the walk. */
typedef enum msp_result (*msp_counted_ticket_take)(void *context,
                                                   const struct msp_counted_ticket *ticket,
                                                   struct msp_error *error);

/* The same tickets in the same order as at one moment, up to `limit`, a part at a time: memory does
 * not grow with their number. */
enum msp_result msp_drill_down_walk(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_drill_down *question, int64_t deadline_ms,
                                    msp_counted_ticket_take take, void *context,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* Tickets created in the local days from..to by local weekday (0 = Monday) and hour. */
struct msp_arrivals {
    int64_t tickets[7][24];
};
enum msp_result msp_drill_down_arrivals(struct msp_db *db, int64_t tenant_id, int32_t from,
                                        int32_t to, int64_t deadline_ms, struct msp_arrivals *out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* The backlog of a local day: out_tickets[i] are of the age msp_backlog_ages[i]. Of a day that is
 * not over at `now_us`, their ages are those of then. */
enum msp_result msp_drill_down_backlog_age(struct msp_db *db, int64_t tenant_id, int32_t day,
                                           int64_t now_us, int64_t deadline_ms,
                                           int64_t out_tickets[MSP_BACKLOG_AGES],
                                           struct msp_error *error) MSP_MUST_CHECK;

#endif
