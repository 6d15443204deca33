/* Which part of a tenant a question is about, and whether the caller may ask it. */
#include "kpi_inputs.h"

#include "inputs.h"

#include <string.h>

enum msp_result msp_query_by(const struct msp_request *request, const char **out,
                             struct msp_error *error)
{
    static const char *const dimensions[] = {"priority", "category", "assignee", "group"};
    const char *by = msp_request_query(request, "by");
    const char *found = NULL;

    if (by == NULL)
        return MSP_OK;
    for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++) {
        if (strcmp(dimensions[i], by) == 0)
            found = dimensions[i];
    }
    if (found == NULL)
        return msp_query_fail(error, "query_malformed", "by",
                              "\"by\" must be priority, category, assignee or group.");
    if (request->caller.role == MSP_ROLE_CLIENT && strcmp(by, "assignee") == 0)
        return msp_fail(error, MSP_FORBIDDEN, "assignee_not_visible",
                        "The role client does not see technicians; choose another \"by\".");
    *out = found;
    return MSP_OK;
}

enum msp_result msp_query_member(const struct msp_request *request, const char *by,
                                 const char **out, struct msp_error *error)
{
    const char *member = msp_request_query(request, "member");

    if (member != NULL && by == NULL)
        return msp_query_fail(error, "query_incomplete", "member",
                              "\"member\" names a value of a dimension; say which with \"by\".");
    *out = member;
    return MSP_OK;
}
