/* Reads the question of a drill-down. A name that would not narrow the figure is refused, so that
 * none is ever passed over. */
#include "ticket_question.h"

#include "../kept_answers.h"
#include "inputs.h"
#include "kpi_inputs.h"

#include <string.h>

#define LONGEST_RANGE_DAYS 1100

static enum msp_result read_metric(const struct msp_request *request,
                                   struct msp_ticket_question *question, struct msp_error *error)
{
    const char *name = msp_request_query(request, "metric");

    question->metric = name != NULL ? name : "tickets_created";
    question->tickets.metric = msp_counted_metric_find(question->metric);
    if (question->tickets.metric != NULL)
        return MSP_OK;
    return msp_query_fail(error, "query_malformed", "metric",
                          "\"metric\" must be one that GET /v1/kpis/definitions lists.");
}

static enum msp_result read_range(const struct msp_request *request,
                                  struct msp_drill_down *question, struct msp_error *error)
{
    enum msp_result result;

    if (msp_request_query(request, "day") == NULL)
        return msp_query_days(request, LONGEST_RANGE_DAYS, &question->from, &question->to, error);
    if (msp_request_query(request, "from") != NULL || msp_request_query(request, "to") != NULL)
        return msp_query_fail(error, "day_and_range", "day",
                              "Give either \"day\" or \"from\" and \"to\", not both.");
    result = msp_query_day(request, "day", &question->from, error);
    question->to = question->from;
    return result;
}

static enum msp_result read_age(const struct msp_request *request, struct msp_drill_down *question,
                                struct msp_error *error)
{
    const char *name = msp_request_query(request, "age");

    if (name == NULL)
        return MSP_OK;
    if (msp_counted_metric_narrowing(question->metric) != MSP_NARROWS_BY_AGE)
        return msp_query_fail(error, "query_out_of_place", "age",
                              "\"age\" goes with metric=backlog alone.");
    if (msp_request_query(request, "day") == NULL)
        return msp_query_fail(error, "query_incomplete", "age",
                              "An \"age\" is that of a day's backlog; say which with \"day\".");
    question->age = msp_backlog_age_find(name);
    if (question->age == NULL)
        return msp_query_fail(error, "query_malformed", "age",
                              "\"age\" must be one that GET /v1/kpis/backlog-age lists: 0-1, 1-3, "
                              "3-7, 7-14, 14-30, 30-90 or 90-.");
    return MSP_OK;
}

static enum msp_result read_hour(const struct msp_request *request, struct msp_drill_down *question,
                                 struct msp_error *error)
{
    const char *weekday = msp_request_query(request, "weekday");
    const char *hour = msp_request_query(request, "hour");

    if ((weekday != NULL || hour != NULL) &&
        msp_counted_metric_narrowing(question->metric) != MSP_NARROWS_BY_HOUR)
        return msp_query_fail(error, "query_out_of_place", weekday != NULL ? "weekday" : "hour",
                              "\"weekday\" and \"hour\" go with metric=tickets_created alone.");
    enum msp_result result = msp_query_whole(request, "weekday", 1, 7, &question->weekday, error);
    if (result == MSP_OK)
        result = msp_query_whole(request, "hour", 0, 23, &question->hour, error);
    return result;
}

enum msp_result msp_ticket_question_read(const struct msp_request *request,
                                         struct msp_ticket_question *out, struct msp_error *error)
{
    struct msp_drill_down *tickets = &out->tickets;

    *out = (struct msp_ticket_question){.tickets = {.weekday = MSP_ANY_WEEKDAY,
                                                    .hour = MSP_ANY_HOUR,
                                                    .now_us = msp_kept_answer_moment_us(),
                                                    .before_us = MSP_NO_TIME}};
    enum msp_result result = read_metric(request, out, error);
    if (result == MSP_OK)
        result = read_range(request, tickets, error);
    if (result == MSP_OK)
        result = msp_query_by(request, &tickets->dimension, error);
    if (result == MSP_OK)
        result = msp_query_member(request, tickets->dimension, &tickets->member, error);
    if (result == MSP_OK)
        result = read_age(request, tickets, error);
    if (result == MSP_OK)
        result = read_hour(request, tickets, error);
    return result;
}
