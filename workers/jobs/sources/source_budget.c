/* The arithmetic of shares. Reads no header field and makes no call. */
#include "sources/source_budget.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define QUOTAS                 6
#define KEPT_BUDGETS           4096 /* past this, those unused the longest make room */
#define DEFAULT_WINDOW_SECONDS 60
#define LONGEST_BLOCK_SECONDS  3600 /* what anybody's Retry-After is believed */
#define FIRST_BLOCK_SECONDS    5    /* after a refusal without Retry-After */
#define LONGEST_BACK_OFF       300
#define SLOWEST_MS             60000
#define FIRST_SLOW_MS          500
#define QUOTA_STALE_MS         INT64_C(3600000)

struct quota {
    char name[sizeof((struct msp_source_quota *)0)->name];
    int64_t limit, remaining, window_ms;
    int64_t reset_at_ms, told_at_ms;
    bool is_ours_alone;
};

struct msp_source_budget {
    struct msp_source_budget *next;
    char *key;
    unsigned users;
    uint64_t used_at; /* order of use */
    pthread_mutex_t lock;
    int64_t bound_ms; /* between two calls by our own bound */
    int64_t slow_ms;  /* by refusals; fades with calls that are served */
    int64_t last_at_ms;
    bool has_last;
    int64_t blocked_until_ms;
    unsigned refusals; /* in a row, without Retry-After */
    struct quota quotas[QUOTAS];
    size_t quota_count;
};

struct msp_source_budgets {
    pthread_mutex_t lock;
    struct msp_source_budget *first;
    size_t count;
    uint64_t uses;
};

/* ---- the table ---- */

struct msp_source_budgets *msp_source_budgets_new(void)
{
    struct msp_source_budgets *budgets = calloc(1, sizeof *budgets);
    if (budgets != NULL && pthread_mutex_init(&budgets->lock, NULL) != 0) {
        free(budgets);
        budgets = NULL;
    }
    return budgets;
}

static void free_budget(struct msp_source_budget *budget)
{
    (void)pthread_mutex_destroy(&budget->lock);
    free(budget->key);
    free(budget);
}

void msp_source_budgets_free(struct msp_source_budgets *budgets)
{
    if (budgets == NULL) {
        return;
    }
    while (budgets->first != NULL) {
        struct msp_source_budget *gone = budgets->first;
        budgets->first = gone->next;
        free_budget(gone);
    }
    (void)pthread_mutex_destroy(&budgets->lock);
    free(budgets);
}

static struct msp_source_budget *new_budget(const char *key)
{
    struct msp_source_budget *budget = calloc(1, sizeof *budget);
    if (budget == NULL) {
        return NULL;
    }
    budget->key = strdup(key);
    if (budget->key == NULL || pthread_mutex_init(&budget->lock, NULL) != 0) {
        free(budget->key);
        free(budget);
        return NULL;
    }
    return budget;
}

static void make_room(struct msp_source_budgets *budgets)
{
    struct msp_source_budget **oldest = NULL;
    for (struct msp_source_budget **at = &budgets->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->users == 0 && (oldest == NULL || (*at)->used_at < (*oldest)->used_at)) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        struct msp_source_budget *gone = *oldest;
        *oldest = gone->next;
        free_budget(gone);
        budgets->count--;
    }
}

static struct msp_source_budget *find_or_make(struct msp_source_budgets *budgets, const char *key)
{
    for (struct msp_source_budget *at = budgets->first; at != NULL; at = at->next) {
        if (strcmp(at->key, key) == 0) {
            return at;
        }
    }
    if (budgets->count >= KEPT_BUDGETS) {
        make_room(budgets);
    }
    struct msp_source_budget *made = new_budget(key);
    if (made != NULL) {
        made->next = budgets->first;
        budgets->first = made;
        budgets->count++;
    }
    return made;
}

struct msp_source_budget *msp_source_budget_take(struct msp_source_budgets *budgets,
                                                 const char *key)
{
    (void)pthread_mutex_lock(&budgets->lock);
    struct msp_source_budget *budget = find_or_make(budgets, key);
    if (budget != NULL) {
        budget->users++;
        budget->used_at = ++budgets->uses;
    }
    (void)pthread_mutex_unlock(&budgets->lock);
    return budget;
}

void msp_source_budget_give_back(struct msp_source_budgets *budgets,
                                 struct msp_source_budget *budget)
{
    if (budget != NULL) {
        (void)pthread_mutex_lock(&budgets->lock);
        budget->users--;
        (void)pthread_mutex_unlock(&budgets->lock);
    }
}

/* ---- one budget ---- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of that many calls those that are ours: one at least, or we could never ask anything. */
static int64_t share_of(const struct quota *quota, int64_t calls)
{
    int64_t percent = quota->is_ours_alone ? 100 : MSP_SOURCE_SHARE_PERCENT;
    return larger(calls * percent / 100, 1);
}

static int64_t spread(int64_t ms, int64_t calls)
{
    return (ms + calls - 1) / calls;
}

/* Between two calls, for our share of the whole window and of what is left of this one. */
static int64_t interval_of(const struct quota *quota, int64_t now_ms)
{
    int64_t interval_ms = 0;
    if (now_ms - quota->told_at_ms > QUOTA_STALE_MS) {
        return 0;
    }
    if (quota->limit >= 0) {
        interval_ms = spread(quota->window_ms, share_of(quota, quota->limit));
    }
    if (quota->remaining >= 0 && quota->reset_at_ms > now_ms) {
        int64_t left_ms = quota->reset_at_ms - now_ms;
        interval_ms = larger(interval_ms, spread(left_ms, share_of(quota, quota->remaining)));
    }
    return interval_ms;
}

static int64_t interval_between_calls(const struct msp_source_budget *budget, int64_t now_ms)
{
    int64_t interval_ms = larger(budget->bound_ms, budget->slow_ms);
    for (size_t i = 0; i < budget->quota_count; i++) {
        interval_ms = larger(interval_ms, interval_of(&budget->quotas[i], now_ms));
    }
    return interval_ms;
}

void msp_source_budget_bound(struct msp_source_budget *budget, int64_t requests_per_minute)
{
    (void)pthread_mutex_lock(&budget->lock);
    budget->bound_ms = requests_per_minute > 0 ? spread(60000, requests_per_minute) : 0;
    (void)pthread_mutex_unlock(&budget->lock);
}

bool msp_source_budget_reserve(struct msp_source_budget *budget, int64_t now_ms,
                               int64_t deadline_ms, int64_t *out_at_ms)
{
    (void)pthread_mutex_lock(&budget->lock);
    int64_t at_ms = larger(now_ms, budget->blocked_until_ms);
    if (budget->has_last) {
        at_ms = larger(at_ms, budget->last_at_ms + interval_between_calls(budget, now_ms));
    }
    bool fits = at_ms < deadline_ms;
    if (fits) {
        budget->last_at_ms = at_ms;
        budget->has_last = true;
    }
    (void)pthread_mutex_unlock(&budget->lock);
    *out_at_ms = at_ms;
    return fits;
}

bool msp_source_budget_holds(struct msp_source_budget *budget, int64_t now_ms)
{
    (void)pthread_mutex_lock(&budget->lock);
    bool holds = budget->blocked_until_ms <= now_ms;
    (void)pthread_mutex_unlock(&budget->lock);
    return holds;
}

int64_t msp_source_budget_free_at_ms(struct msp_source_budget *budget)
{
    (void)pthread_mutex_lock(&budget->lock);
    int64_t free_at_ms = budget->blocked_until_ms;
    if (budget->has_last) {
        free_at_ms = larger(free_at_ms, budget->last_at_ms +
                                            interval_between_calls(budget, budget->last_at_ms));
    }
    (void)pthread_mutex_unlock(&budget->lock);
    return free_at_ms;
}

/* The place kept for a quota of that name; the one told of the longest ago makes room. */
static struct quota *place_of(struct msp_source_budget *budget, const char *name, bool *out_known)
{
    struct quota *oldest = &budget->quotas[0];
    for (size_t i = 0; i < budget->quota_count; i++) {
        struct quota *quota = &budget->quotas[i];
        if (strcmp(quota->name, name) == 0) {
            *out_known = true;
            return quota;
        }
        oldest = quota->told_at_ms < oldest->told_at_ms ? quota : oldest;
    }
    *out_known = false;
    return budget->quota_count < QUOTAS ? &budget->quotas[budget->quota_count++] : oldest;
}

static void learn(struct msp_source_budget *budget, const struct msp_source_quota *told,
                  int64_t now_ms)
{
    bool is_known;
    struct quota *quota = place_of(budget, told->name, &is_known);
    int64_t seen_window_ms = is_known ? quota->window_ms : DEFAULT_WINDOW_SECONDS * INT64_C(1000);
    int64_t reset_ms = smaller(told->reset_seconds, LONGEST_BLOCK_SECONDS * 24) * 1000;
    /* A window that nobody states is as long as the longest way to its end. */
    int64_t window_ms = told->window_seconds > 0
                            ? smaller(told->window_seconds, LONGEST_BLOCK_SECONDS * 24) * 1000
                            : larger(seen_window_ms, reset_ms);
    int64_t known_limit = is_known ? quota->limit : -1;
    *quota = (struct quota){
        .limit = told->limit > 0 ? told->limit : known_limit,
        .remaining = told->remaining,
        .window_ms = window_ms,
        .reset_at_ms = now_ms + (told->reset_seconds >= 0 ? reset_ms : window_ms),
        .told_at_ms = now_ms,
        .is_ours_alone = told->is_ours_alone,
    };
    memcpy(quota->name, told->name, sizeof quota->name);
    if (told->remaining == 0) {
        int64_t most_ms = now_ms + LONGEST_BLOCK_SECONDS * INT64_C(1000);
        budget->blocked_until_ms =
            larger(budget->blocked_until_ms, smaller(quota->reset_at_ms, most_ms));
    }
}

void msp_source_budget_learn(struct msp_source_budget *budget, const struct msp_source_quota *quota,
                             int64_t now_ms)
{
    (void)pthread_mutex_lock(&budget->lock);
    learn(budget, quota, now_ms);
    (void)pthread_mutex_unlock(&budget->lock);
}

static int64_t back_off_seconds(unsigned refusals)
{
    int64_t seconds = FIRST_BLOCK_SECONDS;
    while (refusals-- > 0 && seconds < LONGEST_BACK_OFF) {
        seconds *= 2;
    }
    return smaller(seconds, LONGEST_BACK_OFF);
}

void msp_source_budget_refused(struct msp_source_budget *budget, int64_t retry_after_seconds,
                               int64_t now_ms)
{
    (void)pthread_mutex_lock(&budget->lock);
    int64_t seconds = retry_after_seconds;
    if (seconds <= 0) {
        seconds = back_off_seconds(budget->refusals);
    }
    budget->refusals++;
    seconds = smaller(seconds, LONGEST_BLOCK_SECONDS);
    budget->blocked_until_ms = larger(budget->blocked_until_ms, now_ms + seconds * 1000);
    int64_t slower_ms = 2 * interval_between_calls(budget, now_ms);
    budget->slow_ms = smaller(larger(slower_ms, FIRST_SLOW_MS), SLOWEST_MS);
    (void)pthread_mutex_unlock(&budget->lock);
}

void msp_source_budget_served(struct msp_source_budget *budget)
{
    (void)pthread_mutex_lock(&budget->lock);
    budget->refusals = 0;
    budget->slow_ms -= (budget->slow_ms + 3) / 4;
    (void)pthread_mutex_unlock(&budget->lock);
}
