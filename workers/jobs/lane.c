/* Turns and shares of a lane. The order itself is the database's (msp.job_claim). */
#include "lane.h"

#define NO_TENANT (-1)

void msp_lane_init(struct msp_lane *lane, enum msp_job_lane number, int threads, int tenant_threads)
{
    int share = tenant_threads > 0 ? tenant_threads : threads - 1;
    *lane = (struct msp_lane){
        .number = number,
        .threads = threads < MSP_LANE_MAX_THREADS ? threads : MSP_LANE_MAX_THREADS,
        .tenant_threads = share > 0 ? share : 1,
    };
    (void)pthread_mutex_init(&lane->lock, NULL);
    for (int i = 0; i < MSP_LANE_MAX_THREADS; i++) {
        atomic_store(&lane->tenants[i], NO_TENANT);
    }
}

void msp_lane_done(struct msp_lane *lane)
{
    (void)pthread_mutex_destroy(&lane->lock);
}

static int count_of(const struct msp_lane *lane, int64_t tenant_id)
{
    int count = 0;
    for (int i = 0; i < lane->threads; i++) {
        count += atomic_load(&lane->tenants[i]) == tenant_id ? 1 : 0;
    }
    return count;
}

/* A thread that ends its job meanwhile only makes a tenant look fuller than it is. */
static size_t list_full_tenants(struct msp_lane *lane)
{
    size_t count = 0;
    for (int i = 0; i < lane->threads; i++) {
        int64_t tenant_id = atomic_load(&lane->tenants[i]);
        if (tenant_id != NO_TENANT && count_of(lane, tenant_id) >= lane->tenant_threads) {
            lane->full_tenants[count++] = tenant_id;
        }
    }
    return count;
}

static enum msp_result claim_in_turn(struct msp_lane *lane, const struct msp_lane_claim *claim,
                                     bool *out_found, struct msp_job *out, struct msp_error *error)
{
    struct msp_job_claim_order order = {
        .lane = lane->number,
        .worker = claim->worker,
        .after_tenant = lane->after_tenant,
        .full_tenants = lane->full_tenants,
    };
    /* Before the question: what a thread frees while it is under way must be asked for again. */
    atomic_store(&lane->found_empty_at, claim->wake + 1);
    order.full_count = list_full_tenants(lane);
    enum msp_result result =
        msp_job_claim(claim->db, &order, claim->arena, claim->deadline_ms, out_found, out, error);
    if (result != MSP_OK || *out_found) {
        atomic_store(&lane->found_empty_at, 0);
    }
    if (result == MSP_OK && *out_found) {
        lane->after_tenant = out->tenant_id;
        atomic_store(&lane->tenants[claim->thread], out->tenant_id);
    }
    return result;
}

enum msp_result msp_lane_claim(struct msp_lane *lane, const struct msp_lane_claim *claim,
                               bool *out_found, struct msp_job *out, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    *out_found = false;
    (void)pthread_mutex_lock(&lane->lock);
    if (atomic_load(&lane->found_empty_at) <= claim->wake) {
        result = claim_in_turn(lane, claim, out_found, out, error);
    }
    (void)pthread_mutex_unlock(&lane->lock);
    return result;
}

void msp_lane_release(struct msp_lane *lane, int thread)
{
    atomic_store(&lane->tenants[thread], NO_TENANT);
    atomic_store(&lane->found_empty_at, 0);
}
