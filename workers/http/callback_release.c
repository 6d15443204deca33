/* Says in the database that an answer is out. Nobody waits for it, so it asks only once. */
#include "callback_release.h"

#include "http_worker.h"
#include "msp/callback_store.h"
#include "msp/log.h"

#include <stdio.h>

struct release {
    int64_t tenant_id;
    char job_id[MSP_JOB_ID_BYTES];
};

static enum msp_result let_go(const struct msp_request *request, const struct release *release,
                              struct msp_error *error)
{
    struct msp_pool *pool = request->worker->pool;
    struct msp_db *db;
    enum msp_result result = msp_pool_take(pool, request->settings->db_pool_wait_ms, &db, error);

    if (result != MSP_OK)
        return result;
    result = msp_callback_release(db, release->tenant_id, release->job_id,
                                  msp_request_db_deadline_ms(request), error);
    msp_pool_give(pool, db);
    return result;
}

static void release_callback(const struct msp_request *request, void *context)
{
    const struct release *release = context;
    struct msp_error error;

    if (let_go(request, release, &error) != MSP_OK)
        msp_log(MSP_LOG_WARNING, "Cannot say that a job's caller was answered; its callback waits",
                "request_id", request->id, "job", release->job_id, "detail", error.detail, NULL);
}

void msp_callback_release_after(const struct msp_request *request, struct msp_response *response,
                                int64_t tenant_id, const char *job_id)
{
    struct release *release = msp_arena_alloc(request->arena, sizeof *release);

    if (release == NULL)
        return;
    release->tenant_id = tenant_id;
    snprintf(release->job_id, sizeof release->job_id, "%s", job_id);
    response->after = release_callback;
    response->after_context = release;
}
