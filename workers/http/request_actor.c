/* Puts the caller into the words of the audit log. Writes no line. */
#include "request_actor.h"

#include "route.h"

struct msp_actor msp_request_actor(const struct msp_request *request)
{
    return (struct msp_actor){
        .name = request->caller.subject,
        .address = request->address,
        .request_id = request->id,
        .audit_secret = request->settings->audit_secret,
    };
}

bool msp_request_is_audited(const struct msp_request *request)
{
    return request->route->audit != NULL;
}
