/*
 * The table of routes: one row says method, path, who may call, which query
 * names it knows, and what answers. What is not in the table does not exist.
 */
#ifndef MSP_HTTP_ROUTE_H
#define MSP_HTTP_ROUTE_H

#include "msp/rate_limits.h"
#include "request.h"
#include "response.h"

enum msp_tenant_rule {
    MSP_TENANT_NONE,      /* the route is of no tenant */
    MSP_TENANT_OF_CALLER, /* the credential's tenant; an admin must name one with ?tenant= */
};

/* What becomes of an answer of status 200: see kept_answers.h. */
enum msp_answer_rule {
    MSP_ANSWER_SENT,   /* it is sent, and nobody keeps a copy */
    MSP_ANSWER_TAGGED, /* with an entity tag, for callers who ask again */
    MSP_ANSWER_KEPT,   /* the same, and kept: a GET that depends on its tenant's data alone */
};

/* A handler fills the response and returns its HTTP status. */
typedef int (*msp_handler)(const struct msp_request *request, struct msp_response *response);

struct msp_route {
    const char *method;
    const char *path; /* segments; "{name}" takes any one segment */
    enum msp_credential credential;
    enum msp_limit_class limit_class; /* counted for the credential's tenant */
    unsigned roles;                   /* OR of enum msp_role; for MSP_CREDENTIAL_PERSON */
    enum msp_tenant_rule tenant_rule;
    const char
        *query_names;  /* space-separated; "tenant" is added by MSP_TENANT_OF_CALLER; "*" = any */
    bool has_body;     /* a JSON body is taken; otherwise a body is refused */
    bool streams_body; /* the handler reads the body itself (NDJSON) */
    enum msp_answer_rule answer_rule;
    const char *audit; /* the actions, space-separated, one of which a request that did something
                          leaves in the audit log; NULL = leaves none */
    msp_handler handler;
};

extern const struct msp_route msp_routes[];
extern const size_t msp_route_count;

/*
 * The tenant a MSP_TENANT_OF_CALLER route works on has been put into request->caller.tenant
 * by the router: the credential's own, or the one an admin named.
 */

#endif
