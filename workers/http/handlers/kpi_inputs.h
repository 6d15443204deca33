/* Query names that all questions about KPIs share. */
#ifndef MSP_HTTP_KPI_INPUTS_H
#define MSP_HTTP_KPI_INPUTS_H

#include "../request.h"

/* `by`: a dimension's name in static storage, NULL = the whole tenant. MSP_FORBIDDEN for one that
 * the caller's role does not see. */
enum msp_result msp_query_by(const struct msp_request *request, const char **out,
                             struct msp_error *error) MSP_MUST_CHECK;

/* `member`, NULL = every one; it needs `by`. */
enum msp_result msp_query_member(const struct msp_request *request, const char *by,
                                 const char **out, struct msp_error *error) MSP_MUST_CHECK;

#endif
