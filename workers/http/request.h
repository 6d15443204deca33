/*
 * One request on its way through the worker: what was asked, by whom, and the memory it may
 * use. Filled by the router before a handler sees it; handlers only read it.
 */
#ifndef MSP_HTTP_REQUEST_H
#define MSP_HTTP_REQUEST_H

#include "client_address.h"

#include "msp/arena.h"
#include "msp/role.h"
#include "msp/settings.h"
#include "msp/tenant_cache.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msp_http_worker; /* http_worker.h: pool, shared map, settings */
struct mg_connection;
struct msp_body;
struct msp_route;

#define MSP_REQUEST_ID_BYTES 33 /* 128 random bits in hex and a NUL */
#define MSP_MAX_QUERY_NAMES  32
#define MSP_MAX_PATH_PARTS   4

enum msp_credential {
    MSP_CREDENTIAL_NONE,
    MSP_CREDENTIAL_SERVICE, /* the service token: n8n and internal tools */
    MSP_CREDENTIAL_PERSON,  /* a JWT in Authorization; in a route's row: a person or a program */
    MSP_CREDENTIAL_SESSION, /* a JWT in the session cookie */
    MSP_CREDENTIAL_KEY,     /* an API key */
};

#define MSP_TOKEN_DIGEST_BYTES 16

#define MSP_CALLER_NAME_BYTES 601 /* 150 characters of UTF-8 and a NUL */

/* Who asks. A tenant's name is its slug; tenant.id is 0 for admins and the service token. */
struct msp_caller {
    enum msp_credential credential;
    enum msp_role role;
    char subject[128];                /* an e-mail or other "sub", "key:…", "service" */
    char name[MSP_CALLER_NAME_BYTES]; /* as the token says it; "" = it does not */
    struct msp_tenant tenant;         /* the credential's own */
    /* Of a token: how the end of just this one is remembered, and until when it would last. */
    unsigned char token_digest[MSP_TOKEN_DIGEST_BYTES];
    int64_t token_expires_seconds;
};

struct msp_query_pair {
    const char *name;
    const char *value;
};

struct msp_request {
    struct msp_http_worker *worker;
    const struct msp_settings
        *settings;                    /* in force when it began, so that it never sees two kinds */
    struct mg_connection *connection; /* for body.h and the router only */
    struct msp_arena *arena;          /* until the answer is written */
    char id[MSP_REQUEST_ID_BYTES];
    const struct msp_route *route; /* its row in the table of routes */
    const char *method;
    const char *path;                                 /* as it came, no query */
    const char *path_parameters[MSP_MAX_PATH_PARTS];  /* what stood for {…} in the route's path */
    struct msp_query_pair query[MSP_MAX_QUERY_NAMES]; /* percent-decoded, checked UTF-8 */
    size_t query_count;
    const char *content_type;        /* media type in lower case without parameters, or NULL */
    int64_t content_length;          /* -1 = chunked, 0 = no body */
    const char *prefer;              /* the Prefer field, or NULL */
    const char *host;                /* the Host field */
    const char *origin;              /* the Origin field, or NULL */
    bool secure;                     /* the browser speaks https with us (session_cookie.h) */
    char address[MSP_ADDRESS_BYTES]; /* the client's, as far as it is known (client_address.h) */
    int64_t started_us;              /* monotonic */
    struct msp_body *body;           /* how far it was read; body.c's */
    struct msp_caller caller;
    const struct msp_rate_limits *limits; /* in force when it began, with the tenant's own */
};

/* Milliseconds (monotonic) by which database work that starts now must be over. */
int64_t msp_request_db_deadline_ms(const struct msp_request *request);

/* The value of a query name, or NULL. The router has refused names the route does not list and
 * doubled ones. */
const char *msp_request_query(const struct msp_request *request, const char *name);

/* The request field of that name (any case), or NULL. */
const char *msp_request_header(const struct msp_request *request, const char *name);

/* Seconds of `Prefer: wait=N`, capped at 60; 0 = none. */
int msp_request_prefer_wait_seconds(const struct msp_request *request);

#endif
