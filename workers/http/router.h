/* The one way a request takes through a worker, and the answers to what never became a request. */
#ifndef MSP_HTTP_ROUTER_H
#define MSP_HTTP_ROUTER_H

#include "http_worker.h"

#include <civetweb.h>

/* Serves the request on `connection` from its head to its line in the log; returns the status. */
int msp_router_serve(struct msp_http_worker *worker, struct mg_connection *connection);

/* Answers with a problem where CivetWeb found no request to hand on. The connection is closed then.
 */
void msp_router_refuse(struct msp_http_worker *worker, struct mg_connection *connection, int status,
                       const char *code, const char *detail);

#endif
