/* Starts jobs and follows them through their row, which is the job; the socket only says when to
 * look. */
#include "job_follow.h"

#include "job_news.h"
#include "job_print.h"
#include "job_progress.h"

#include "msp/clock.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define FIRST_LOOK_MS    50
#define LONGEST_LOOK_MS  1000
#define BETWEEN_LOOKS_MS 100 /* however much news there is */
#define FOLLOW_SECONDS   3600

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The signals of somebody who has seen enough come only while we wait, so that none falls between
 * looking and waiting. */
static void catch_interrupts(sigset_t *out_before)
{
    const struct sigaction action = {.sa_handler = note_interrupt};
    sigset_t caught;
    (void)sigemptyset(&caught);
    (void)sigaddset(&caught, SIGINT);
    (void)sigaddset(&caught, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &caught, out_before);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static int print_end(const struct msp_invocation *invocation, const struct msp_job *job,
                     const char *sentence)
{
    if (invocation->json)
        msp_job_print(job, true);
    else if (job->state == MSP_JOB_SUCCEEDED && sentence != NULL)
        msp_job_print_member(job->result, sentence, stdout);
    else if (job->state == MSP_JOB_SUCCEEDED)
        (void)printf("%s\n", job->result != NULL ? job->result : "{}");
    if (job->state == MSP_JOB_SUCCEEDED)
        return MSP_COMMAND_DONE;
    if (sentence != NULL && job->error != NULL) {
        msp_job_print_member(job->error, "detail", stderr);
        return MSP_COMMAND_FAILED;
    }
    msp_invocation_complain(invocation, "job %s %s%s%s", job->id, msp_job_state_name(job->state),
                            job->error != NULL ? ": " : "", job->error != NULL ? job->error : "");
    return MSP_COMMAND_FAILED;
}

/* One who follows a job. */
struct watch {
    const struct msp_invocation *invocation;
    struct msp_db *db;
    const char *id;
    const char *sentence;
    struct msp_arena *arena;
    struct msp_job_progress progress;
    sigset_t unblocked;
    int news_fd; /* -1 = none comes */
    int look_ms; /* until the next look without news */
};

/* Looks at the row once. True when there is an exit code. */
static bool look(struct watch *watch, int *out_code)
{
    struct msp_job job;
    struct msp_error error;
    msp_arena_reset(watch->arena);
    const enum msp_result result =
        msp_job_get(watch->db, 0, watch->id, watch->arena, msp_admin_deadline_ms(), &job, &error);
    /* PostgreSQL may come back while we wait; the job is not lost by that. */
    if (result == MSP_UNAVAILABLE || result == MSP_TIMED_OUT)
        return false;
    if (result == MSP_OK && !msp_job_state_is_final(job.state)) {
        msp_job_progress_show(&watch->progress, &job);
        return false;
    }
    msp_job_progress_clear(&watch->progress);
    *out_code = MSP_COMMAND_FAILED;
    if (result == MSP_OK)
        *out_code = print_end(watch->invocation, &job, watch->sentence);
    else
        msp_invocation_complain(watch->invocation, "%s", error.detail);
    return true;
}

static void wait_for_news(struct watch *watch)
{
    const int64_t looked_ms = msp_clock_monotonic_ms();
    const bool had_news = watch->news_fd >= 0;
    msp_job_news_wait(&watch->news_fd, had_news ? LONGEST_LOOK_MS : watch->look_ms,
                      &watch->unblocked);
    if (!had_news)
        watch->look_ms =
            watch->look_ms * 2 < LONGEST_LOOK_MS ? watch->look_ms * 2 : LONGEST_LOOK_MS;
    const int64_t early_ms = looked_ms + BETWEEN_LOOKS_MS - msp_clock_monotonic_ms();
    int none = -1;
    if (had_news && watch->news_fd >= 0 && early_ms > 0 && interrupted == 0)
        msp_job_news_wait(&none, (int)early_ms, &watch->unblocked);
}

static int follow(struct watch *watch, long timeout_seconds)
{
    const int64_t deadline_ms = msp_clock_monotonic_ms() + 1000LL * timeout_seconds;
    int code = MSP_COMMAND_FAILED;
    while (interrupted == 0 && msp_clock_monotonic_ms() < deadline_ms) {
        if (look(watch, &code))
            return code;
        wait_for_news(watch);
    }
    msp_job_progress_clear(&watch->progress);
    if (interrupted != 0)
        msp_invocation_complain(watch->invocation,
                                "job %s goes on without you; follow it with msp-analytics job "
                                "watch %s, or end it with msp-analytics job cancel %s",
                                watch->id, watch->id, watch->id);
    else
        msp_invocation_complain(watch->invocation,
                                "job %s has not ended within %ld seconds and goes on; follow it "
                                "with msp-analytics job watch %s",
                                watch->id, timeout_seconds, watch->id);
    return MSP_COMMAND_FAILED;
}

int msp_job_follow(const struct msp_invocation *invocation, const struct msp_settings *settings,
                   struct msp_db *db, const char *id, const char *sentence, long timeout_seconds)
{
    struct watch watch = {.invocation = invocation,
                          .db = db,
                          .id = id,
                          .sentence = sentence,
                          .arena = msp_arena_new(16384),
                          .look_ms = FIRST_LOOK_MS};
    if (watch.arena == NULL) {
        msp_invocation_complain(invocation, "out of memory");
        return MSP_COMMAND_FAILED;
    }
    catch_interrupts(&watch.unblocked);
    msp_job_progress_init(&watch.progress);
    watch.news_fd = msp_job_news_open(settings, id);
    const int code = follow(&watch, timeout_seconds);
    if (watch.news_fd >= 0)
        (void)close(watch.news_fd);
    msp_arena_free(watch.arena);
    return code;
}

static enum msp_result insert(struct msp_db *db, const struct msp_settings *settings,
                              const struct msp_job_order *order, struct msp_arena *arena,
                              struct msp_job *out, struct msp_error *error)
{
    struct msp_job_request request = order->request;
    int64_t tenant_id = 0;
    request.actor = msp_admin_actor(settings);
    if (order->tenant != NULL) {
        const enum msp_result result = msp_admin_tenant_id(db, order->tenant, &tenant_id, error);
        if (result != MSP_OK)
            return result;
    }
    return msp_job_insert(db, tenant_id, &request, arena, msp_admin_deadline_ms(), out, error);
}

int msp_job_start(const struct msp_invocation *invocation, const struct msp_job_order *order)
{
    long timeout_seconds = 0;
    if (!msp_invocation_number(invocation, "timeout", 1, 86400, FOLLOW_SECONDS, &timeout_seconds))
        return MSP_COMMAND_WRONG;
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    int code = MSP_COMMAND_FAILED;
    struct msp_job job;
    struct msp_error error = {.detail = "out of memory"};
    struct msp_arena *arena = msp_arena_new(16384);
    if (arena == NULL || insert(db, &settings, order, arena, &job, &error) != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error.detail);
    } else {
        msp_job_news_tell(&settings, MSP_JOB_WAKE, &job);
        if (msp_invocation_option(invocation, "no-wait") == NULL) {
            code =
                msp_job_follow(invocation, &settings, db, job.id, order->sentence, timeout_seconds);
        } else {
            msp_job_print(&job, invocation->json);
            code = MSP_COMMAND_DONE;
        }
    }
    msp_arena_free(arena);
    msp_db_free(db);
    return code;
}
