/* Asks for the turn again and again, never for long in one statement, so that a stop is heard. */
#include "export_wait.h"

#include "msp/clock.h"

#include <time.h>

#define CALL_DEADLINE_MS 10000
#define LOOK_EVERY_MS    200
#define PATIENCE_MS      4000
#define PUT_OFF_SECONDS  2

static enum msp_result tell_waiting(struct msp_job_run *run, struct msp_error *error)
{
    return msp_job_run_progress(run, 0, 0, "waiting for another export", error);
}

static enum msp_result try_turn(struct msp_job_run *run, enum msp_dataset dataset, bool *out_ours,
                                struct msp_error *error)
{
    return msp_export_turn_try(run->db, run->job->tenant_id, dataset,
                               msp_job_run_deadline_in(run, CALL_DEADLINE_MS), out_ours, error);
}

enum msp_result msp_export_turn_wait(struct msp_job_run *run, enum msp_dataset dataset,
                                     struct msp_error *error)
{
    int64_t until_ms = msp_clock_monotonic_ms() + PATIENCE_MS;
    bool is_ours = false;
    enum msp_result result = try_turn(run, dataset, &is_ours, error);
    while (result == MSP_OK && !is_ours && msp_clock_monotonic_ms() < until_ms) {
        struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
        result = tell_waiting(run, error);
        if (result == MSP_OK) {
            result = try_turn(run, dataset, &is_ours, error);
        }
    }
    if (result != MSP_OK || is_ours) {
        return result;
    }
    msp_job_run_put_off(run, PUT_OFF_SECONDS);
    return msp_fail(error, MSP_BUSY, "export_under_way",
                    "Another job is exporting %s of this tenant; this one follows when it has "
                    "ended.",
                    msp_dataset_name(dataset));
}

void msp_export_turn_leave(const struct msp_job_run *run, enum msp_dataset dataset)
{
    /* A statement now might meet the cancel that was meant for the work. */
    if (msp_job_run_should_stop(run)) {
        msp_db_hang_up(run->db);
        return;
    }
    msp_export_turn_end(run->db, run->job->tenant_id, dataset,
                        msp_job_run_deadline_in(run, CALL_DEADLINE_MS));
}
