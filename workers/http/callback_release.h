/* Keeps a job's callback back until the answer that names the job is out. */
#ifndef MSP_HTTP_CALLBACK_RELEASE_H
#define MSP_HTTP_CALLBACK_RELEASE_H

#include "request.h"
#include "response.h"

/*
 * For an answer about a job that was started with a callback_url: once it has left, the end of the
 * job may be told. Tenant 0 = a job of all tenants. Without this (memory is short, the process
 * dies) the callback goes out when the longest request must be over.
 */
void msp_callback_release_after(const struct msp_request *request, struct msp_response *response,
                                int64_t tenant_id, const char *job_id);

#endif
