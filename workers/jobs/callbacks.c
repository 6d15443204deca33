/*
 * Takes up callbacks that are due, hands them to senders, writes down what came of them. A delivery
 * that is being sent is leased in the database: if we die, it falls due again by itself.
 */
#include "callbacks.h"

#include "callback_send.h"
#include "msp/clock.h"
#include "msp/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDERS          8
#define TROUBLED_SENDERS 4 /* at most, at hosts that have not taken one lately */
#define SENDERS_A_HOST   2
/* A try, the look-up of a name behind it, and a database that is slow to hear of its outcome. */
#define LEASE_SECONDS        (MSP_CALLBACK_TRY_SECONDS + 30)
#define LOOK_EVERY_MS        1000 /* without any hint */
#define LOOK_AGAIN_MS        200  /* when something is due for which there is no room yet */
#define DATABASE_DEADLINE_MS 5000
#define LEAVING_DEADLINE_MS  1000
#define HOST_BYTES           300
#define ARENA_CHUNK_BYTES    (16U << 10)

enum sender_state { SENDER_IDLE, SENDER_SENDING, SENDER_SENT };

struct sender {
    struct msp_callbacks *all;
    pthread_t thread;
    struct msp_egress *egress;
    enum sender_state
        state; /* under the lock; what follows belongs to whoever acts in that state */
    bool troubled;
    struct msp_arena *arena;
    struct msp_callback callback;
    struct msp_callback_sending sending;
    struct msp_callback_outcome outcome;
};

struct msp_callbacks {
    const struct msp_child *child;
    struct msp_job_events *events;
    struct msp_db *db;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken; /* under the lock */
    atomic_bool stopping;
    atomic_int alive;
    bool database_away; /* already logged */
    int started;        /* senders */
    bool dispatching;
    pthread_t dispatcher;
    struct sender senders[SENDERS];
};

/* ---- senders ---- */

static bool is_stopping(void *context)
{
    struct msp_callbacks *all = context;
    return atomic_load(&all->stopping);
}

static void set_state(struct sender *sender, enum sender_state state)
{
    (void)pthread_mutex_lock(&sender->all->lock);
    sender->state = state;
    sender->all->woken = true;
    (void)pthread_cond_broadcast(&sender->all->changed);
    (void)pthread_mutex_unlock(&sender->all->lock);
}

static enum sender_state state_of(struct sender *sender)
{
    (void)pthread_mutex_lock(&sender->all->lock);
    enum sender_state state = sender->state;
    (void)pthread_mutex_unlock(&sender->all->lock);
    return state;
}

/* False when there will be none any more. */
static bool wait_for_work(struct sender *sender)
{
    struct msp_callbacks *all = sender->all;
    (void)pthread_mutex_lock(&all->lock);
    while (sender->state != SENDER_SENDING && !atomic_load(&all->stopping)) {
        (void)pthread_cond_wait(&all->changed, &all->lock);
    }
    bool has_work = sender->state == SENDER_SENDING;
    (void)pthread_mutex_unlock(&all->lock);
    return has_work;
}

static void *run_sender(void *context)
{
    struct sender *sender = context;
    while (wait_for_work(sender)) {
        sender->sending = (struct msp_callback_sending){
            .egress = sender->egress,
            .settings = sender->all->child->settings,
            .callback = &sender->callback,
            .should_stop = is_stopping,
            .context = sender->all,
        };
        msp_callback_send(&sender->sending, &sender->outcome);
        set_state(sender, SENDER_SENT);
    }
    atomic_fetch_sub(&sender->all->alive, 1);
    msp_job_events_nudge(sender->all->events);
    return NULL;
}

/* ---- what came of it ---- */

static void note_database(struct msp_callbacks *all, enum msp_result result,
                          const struct msp_error *error)
{
    bool away = result != MSP_OK;
    if (away && !all->database_away && !atomic_load(&all->stopping)) {
        msp_log(MSP_LOG_ERROR, "Cannot look after the callbacks in PostgreSQL; trying again",
                "code", error->code, "detail", error->detail, NULL);
    } else if (!away && all->database_away) {
        msp_log(MSP_LOG_INFO, "Looking after the callbacks in PostgreSQL again", NULL);
    }
    all->database_away = away;
}

static int64_t database_deadline_ms(const struct msp_callbacks *all)
{
    return msp_clock_monotonic_ms() +
           (atomic_load(&all->stopping) ? LEAVING_DEADLINE_MS : DATABASE_DEADLINE_MS);
}

static void tell(const struct msp_callbacks *all, const struct sender *sender)
{
    const struct msp_callback *callback = &sender->callback;
    const struct msp_callback_outcome *outcome = &sender->outcome;
    struct msp_board_jobs *board = &all->child->shared->board->jobs;
    char attempt[16];
    char status[16];
    if (outcome->verdict == MSP_CALLBACK_AGAIN || outcome->verdict == MSP_CALLBACK_GIVEN_BACK) {
        msp_board_add(&board->callbacks_put_off, outcome->verdict == MSP_CALLBACK_AGAIN ? 1 : 0);
        return;
    }
    bool taken = outcome->verdict == MSP_CALLBACK_TAKEN;
    (void)snprintf(attempt, sizeof attempt, "%d", callback->attempt);
    (void)snprintf(status, sizeof status, "%d", outcome->status);
    msp_board_add(taken ? &board->callbacks_taken : &board->callbacks_failed, 1);
    msp_log(taken ? MSP_LOG_INFO : MSP_LOG_WARNING,
            taken ? "Callback taken" : "Callback failed; ask for the job instead", "job",
            callback->job.id, "host", callback->host, "attempt", attempt, "status",
            outcome->status == 0 ? NULL : status, "detail", outcome->reason, "trace",
            msp_job_trace(&callback->job), NULL);
}

static enum msp_result record(struct msp_callbacks *all, struct sender *sender)
{
    struct msp_error error;
    bool held = false;
    enum msp_result result =
        msp_callback_record(all->db, sender->callback.id, sender->callback.attempt,
                            &sender->outcome, database_deadline_ms(all), &held, &error);
    note_database(all, result, &error);
    if (result == MSP_UNAVAILABLE || result == MSP_TIMED_OUT) {
        return result;
    }
    if (held) {
        tell(all, sender);
    }
    set_state(sender, SENDER_IDLE);
    return MSP_OK;
}

/* What cannot be written now stays with its sender; what never can falls due again by its lease. */
static enum msp_result record_all(struct msp_callbacks *all)
{
    enum msp_result result = MSP_OK;
    for (int i = 0; i < SENDERS && result == MSP_OK; i++) {
        if (state_of(&all->senders[i]) == SENDER_SENT) {
            result = record(all, &all->senders[i]);
        }
    }
    return result;
}

/* ---- taking up ---- */

static struct sender *find_idle(struct msp_callbacks *all)
{
    for (int i = 0; i < SENDERS; i++) {
        if (state_of(&all->senders[i]) == SENDER_IDLE) {
            return &all->senders[i];
        }
    }
    return NULL;
}

/* The hosts that have as many senders as one may have, and how many of ours are at troubled ones.
 */
static int survey(struct msp_callbacks *all, char *out_hosts, size_t size)
{
    const char *hosts[SENDERS];
    int busy = 0;
    int troubled = 0;
    size_t used = 0;
    out_hosts[0] = '\0';
    for (int i = 0; i < SENDERS; i++) {
        struct sender *sender = &all->senders[i];
        if (state_of(sender) == SENDER_IDLE) {
            continue;
        }
        int same = 0;
        for (int j = 0; j < busy; j++) {
            same += strcmp(hosts[j], sender->callback.host) == 0;
        }
        hosts[busy++] = sender->callback.host;
        troubled += sender->troubled;
        if (same == SENDERS_A_HOST - 1 && used < size) {
            used += (size_t)snprintf(out_hosts + used, size - used, "%s%s", used == 0 ? "" : " ",
                                     sender->callback.host);
        }
    }
    return troubled;
}

/* Those whose hosts took the last one come first; the others get what room is left for them. */
static enum msp_result take_up(struct msp_callbacks *all, struct sender *sender, bool *out_found,
                               int64_t *out_wait_ms)
{
    char hosts[SENDERS / SENDERS_A_HOST * HOST_BYTES];
    int troubled = survey(all, hosts, sizeof hosts);
    struct msp_callback_room room = {.busy_hosts = hosts, .lease_seconds = LEASE_SECONDS};
    struct msp_error error;
    msp_arena_reset(sender->arena);
    enum msp_result result =
        msp_callback_claim(all->db, &room, sender->arena, database_deadline_ms(all), out_found,
                           &sender->callback, out_wait_ms, &error);
    if (result == MSP_OK && !*out_found && *out_wait_ms == 0 && troubled < TROUBLED_SENDERS) {
        room.troubled = true;
        result = msp_callback_claim(all->db, &room, sender->arena, database_deadline_ms(all),
                                    out_found, &sender->callback, out_wait_ms, &error);
    }
    note_database(all, result, &error);
    sender->troubled = room.troubled;
    return result;
}

/* Returns in how many milliseconds to look again. */
static int64_t hand_out(struct msp_callbacks *all)
{
    struct sender *sender;
    while ((sender = find_idle(all)) != NULL) {
        bool found = false;
        int64_t wait_ms = 0;
        if (take_up(all, sender, &found, &wait_ms) != MSP_OK) {
            return LOOK_EVERY_MS;
        }
        if (!found) {
            wait_ms = wait_ms < LOOK_EVERY_MS ? wait_ms : LOOK_EVERY_MS;
            return wait_ms > 0 ? wait_ms : LOOK_AGAIN_MS;
        }
        set_state(sender, SENDER_SENDING);
    }
    return LOOK_EVERY_MS;
}

static void wait_for_news(struct msp_callbacks *all, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + nanoseconds / 1000000000L;
    until.tv_nsec = nanoseconds % 1000000000L;
    (void)pthread_mutex_lock(&all->lock);
    int timed_out = 0;
    while (!all->woken && timed_out == 0) {
        timed_out = pthread_cond_timedwait(&all->changed, &all->lock, &until);
    }
    all->woken = false;
    (void)pthread_mutex_unlock(&all->lock);
}

static bool somebody_sends(struct msp_callbacks *all)
{
    for (int i = 0; i < SENDERS; i++) {
        if (state_of(&all->senders[i]) == SENDER_SENDING) {
            return true;
        }
    }
    return false;
}

static void *run_dispatcher(void *context)
{
    struct msp_callbacks *all = context;
    while (!atomic_load(&all->stopping)) {
        int64_t wait_ms = record_all(all) == MSP_OK ? hand_out(all) : LOOK_EVERY_MS;
        wait_for_news(all, wait_ms);
    }
    while (somebody_sends(all)) {
        wait_for_news(all, LOOK_AGAIN_MS);
    }
    (void)!record_all(all); /* what is not heard any more falls due when its lease is over */
    atomic_fetch_sub(&all->alive, 1);
    msp_job_events_nudge(all->events);
    return NULL;
}

/* ---- all of it ---- */

static bool init_sender(struct sender *sender, struct msp_callbacks *all)
{
    sender->all = all;
    sender->egress = msp_egress_new(all->child->settings->egress_allow);
    sender->arena = msp_arena_new(ARENA_CHUNK_BYTES);
    return sender->egress != NULL && sender->arena != NULL;
}

struct msp_callbacks *msp_callbacks_new(const struct msp_child *child,
                                        struct msp_job_events *events)
{
    struct msp_callbacks *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    struct msp_db_options options = {
        .url = child->settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name = "msp-analytics callbacks",
    };
    pthread_condattr_t attributes;
    all->child = child;
    all->events = events;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&all->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    all->db = msp_db_new(&options);
    bool whole = all->db != NULL;
    for (int i = 0; i < SENDERS && whole; i++) {
        whole = init_sender(&all->senders[i], all);
    }
    if (!whole) {
        msp_callbacks_free(all);
        return NULL;
    }
    return all;
}

static enum msp_result start_thread(struct msp_callbacks *all, pthread_t *thread,
                                    void *(*run)(void *), void *context, struct msp_error *error)
{
    atomic_fetch_add(&all->alive, 1);
    int failure = pthread_create(thread, NULL, run, context);
    if (failure == 0) {
        return MSP_OK;
    }
    atomic_fetch_sub(&all->alive, 1);
    return msp_fail(error, MSP_NO_MEMORY, "no_thread", "Cannot start a callback thread: %s.",
                    strerror(failure));
}

enum msp_result msp_callbacks_start(struct msp_callbacks *callbacks, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (; callbacks->started < SENDERS && result == MSP_OK; callbacks->started++) {
        struct sender *sender = &callbacks->senders[callbacks->started];
        result = start_thread(callbacks, &sender->thread, run_sender, sender, error);
        if (result != MSP_OK) {
            return result;
        }
    }
    result = start_thread(callbacks, &callbacks->dispatcher, run_dispatcher, callbacks, error);
    callbacks->dispatching = result == MSP_OK;
    return result;
}

void msp_callbacks_wake(struct msp_callbacks *callbacks)
{
    (void)pthread_mutex_lock(&callbacks->lock);
    callbacks->woken = true;
    (void)pthread_cond_broadcast(&callbacks->changed);
    (void)pthread_mutex_unlock(&callbacks->lock);
}

void msp_callbacks_stop(struct msp_callbacks *callbacks)
{
    atomic_store(&callbacks->stopping, true);
    msp_callbacks_wake(callbacks);
}

bool msp_callbacks_alive(const struct msp_callbacks *callbacks)
{
    return atomic_load(&callbacks->alive) > 0;
}

void msp_callbacks_free(struct msp_callbacks *callbacks)
{
    if (callbacks == NULL) {
        return;
    }
    if (callbacks->dispatching) {
        (void)pthread_join(callbacks->dispatcher, NULL);
    }
    for (int i = 0; i < callbacks->started; i++) {
        (void)pthread_join(callbacks->senders[i].thread, NULL);
    }
    for (int i = 0; i < SENDERS; i++) {
        msp_egress_free(callbacks->senders[i].egress);
        msp_arena_free(callbacks->senders[i].arena);
    }
    msp_db_free(callbacks->db);
    (void)pthread_cond_destroy(&callbacks->changed);
    (void)pthread_mutex_destroy(&callbacks->lock);
    free(callbacks);
}
