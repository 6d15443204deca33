/* What the threads of one HTTP worker process share. Made before CivetWeb starts, constant
 * afterwards but for its parts. */
#ifndef MSP_HTTP_WORKER_H
#define MSP_HTTP_WORKER_H

#include "memory_budget.h"

#include "msp/child.h"
#include "msp/db.h"

#include <stdatomic.h>

struct msp_openapi;
struct msp_known_tokens;
struct msp_rate_gate;
struct msp_workspace_pool;

struct msp_http_worker {
    const struct msp_child *child;
    struct msp_pool *pool; /* role msp_api */
    struct msp_memory_budget memory;
    char job_socket_path[108];
    atomic_bool draining;
    atomic_bool database_checked; /* msp_db_check has passed; until then nothing that needs it is
                                     answered */
    atomic_int hashes_under_way;  /* of passwords */
    struct msp_workspace_pool *workspaces;
    struct msp_rate_gate *rates;
    struct msp_known_tokens *tokens;
    struct msp_openapi *openapi;
};

#endif
