/* Shares of quotas: never more than ours, spread evenly, and waiting where the source asks for it.
 */
#include "sources/source_budget.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FAR_MS INT64_C(1000000000)

static struct msp_source_budgets *budgets;
static struct msp_source_budget *budget;

static void make(void)
{
    budgets = msp_source_budgets_new();
    budget = msp_source_budget_take(budgets, "acme:zendesk");
}

static void drop(void)
{
    msp_source_budget_give_back(budgets, budget);
    msp_source_budgets_free(budgets);
}

TestSuite(source_budget, .init = make, .fini = drop);

static struct msp_source_quota quota(int64_t limit, int64_t remaining, int64_t window,
                                     int64_t reset)
{
    return (struct msp_source_quota){.name = "default",
                                     .limit = limit,
                                     .remaining = remaining,
                                     .window_seconds = window,
                                     .reset_seconds = reset};
}

/* When the next call may be made. */
static int64_t next(int64_t now_ms)
{
    int64_t at_ms = -1;
    cr_assert(msp_source_budget_reserve(budget, now_ms, FAR_MS, &at_ms));
    return at_ms;
}

Test(source_budget, lets_the_first_call_go_at_once)
{
    msp_source_budget_bound(budget, 60);
    cr_assert_eq(next(1000), 1000);
}

Test(source_budget, spreads_calls_over_the_minute)
{
    msp_source_budget_bound(budget, 60);
    cr_assert_eq(next(0), 0);
    cr_assert_eq(next(0), 1000);
    cr_assert_eq(next(0), 2000);
    cr_assert_eq(next(5000), 5000); /* what was not used is not saved up for a burst */
    cr_assert_eq(next(5000), 6000);
}

Test(source_budget, knows_no_bound_where_none_is_set)
{
    msp_source_budget_bound(budget, 0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(next(7), 7);
    }
}

Test(source_budget, takes_thirty_percent_of_a_shared_quota)
{
    struct msp_source_quota told = quota(100, -1, 60, -1);
    msp_source_budget_learn(budget, &told, 0);
    int calls = 0;
    for (int64_t at_ms = next(0); at_ms < 60000; at_ms = next(at_ms)) {
        calls++;
    }
    cr_assert_eq(calls, 30);
}

Test(source_budget, takes_all_of_a_quota_that_is_ours_alone)
{
    struct msp_source_quota told = quota(60, -1, 60, -1);
    told.is_ours_alone = true;
    msp_source_budget_learn(budget, &told, 0);
    (void)next(0);
    cr_assert_eq(next(0), 1000);
}

Test(source_budget, takes_thirty_percent_of_what_others_left)
{
    struct msp_source_quota told = quota(100, 10, 60, 30);
    msp_source_budget_learn(budget, &told, 0);
    (void)next(0);
    cr_assert_eq(next(0), 10000); /* 3 of 10 calls in 30 s */
}

Test(source_budget, asks_once_a_window_where_its_share_is_less_than_a_call)
{
    struct msp_source_quota told = quota(2, -1, 60, -1);
    msp_source_budget_learn(budget, &told, 0);
    (void)next(0);
    cr_assert_eq(next(0), 60000);
}

Test(source_budget, waits_for_the_reset_once_nothing_is_left)
{
    struct msp_source_quota told = quota(100, 0, 60, 42);
    msp_source_budget_learn(budget, &told, 1000);
    cr_assert_eq(next(1000), 43000);
}

Test(source_budget, obeys_the_tightest_of_several_quotas)
{
    struct msp_source_quota burst = quota(100, -1, 1, -1);
    struct msp_source_quota day = quota(1000, -1, 86400, -1);
    (void)snprintf(burst.name, sizeof burst.name, "burst");
    (void)snprintf(day.name, sizeof day.name, "day");
    msp_source_budget_bound(budget, 60);
    msp_source_budget_learn(budget, &burst, 0);
    msp_source_budget_learn(budget, &day, 0);
    (void)next(0);
    cr_assert_eq(next(0), 288000);
}

Test(source_budget, never_goes_past_its_own_bound_whatever_a_source_allows)
{
    struct msp_source_quota told = quota(100000, 100000, 1, 1);
    msp_source_budget_bound(budget, 60);
    msp_source_budget_learn(budget, &told, 0);
    (void)next(0);
    cr_assert_eq(next(0), 1000);
}

Test(source_budget, takes_a_window_that_nobody_states_for_as_long_as_its_reset_shows)
{
    struct msp_source_quota told = quota(360, -1, -1, 3600);
    msp_source_budget_learn(budget, &told, 0);
    told = quota(360, -1, -1, 100); /* near the end of the same window */
    msp_source_budget_learn(budget, &told, 0);
    (void)next(0);
    cr_assert_eq(next(0), 33334);
}

Test(source_budget, waits_as_long_as_it_is_told_after_a_refusal_and_goes_slower_then)
{
    msp_source_budget_bound(budget, 600);
    cr_assert_eq(next(0), 0);
    msp_source_budget_refused(budget, 7, 50);
    cr_assert_not(msp_source_budget_holds(budget, 100));
    cr_assert_eq(next(100), 7050);
    cr_assert(msp_source_budget_holds(budget, 7050));
    cr_assert_eq(next(7050), 7550);
    for (int i = 0; i < 40; i++) {
        msp_source_budget_served(budget);
    }
    cr_assert_eq(next(8000), 8000);
    cr_assert_eq(next(8000), 8100);
}

Test(source_budget, doubles_its_patience_with_each_refusal_that_says_nothing)
{
    msp_source_budget_refused(budget, 0, 0);
    cr_assert_eq(msp_source_budget_free_at_ms(budget), 5000);
    msp_source_budget_refused(budget, 0, 5000);
    cr_assert_eq(msp_source_budget_free_at_ms(budget), 15000);
    for (int i = 0; i < 50; i++) {
        msp_source_budget_refused(budget, 0, 20000);
    }
    cr_assert_eq(msp_source_budget_free_at_ms(budget), 320000);
}

Test(source_budget, believes_no_retry_time_past_an_hour)
{
    struct msp_source_quota told = quota(100, 0, 60, INT64_C(1000000000));
    msp_source_budget_refused(budget, INT64_C(1000000000000), 0);
    msp_source_budget_learn(budget, &told, 0);
    cr_assert_eq(msp_source_budget_free_at_ms(budget), 3600000);
}

Test(source_budget, reserves_nothing_behind_the_deadline_and_says_when)
{
    int64_t at_ms;
    msp_source_budget_bound(budget, 6);
    cr_assert(msp_source_budget_reserve(budget, 0, 5000, &at_ms));
    cr_assert_not(msp_source_budget_reserve(budget, 0, 5000, &at_ms));
    cr_assert_eq(at_ms, 10000);
    cr_assert(msp_source_budget_reserve(budget, 0, 10001, &at_ms));
    cr_assert_eq(at_ms, 10000);
}

Test(source_budget, is_one_for_all_who_pull_by_the_same_key)
{
    struct msp_source_budget *same = msp_source_budget_take(budgets, "acme:zendesk");
    struct msp_source_budget *other = msp_source_budget_take(budgets, "bolt:zendesk");
    cr_assert_eq(same, budget);
    cr_assert_neq(other, budget);
    msp_source_budget_give_back(budgets, same);
    msp_source_budget_give_back(budgets, other);
}

Test(source_budget, remembers_a_budget_nobody_uses)
{
    int64_t at_ms;
    msp_source_budget_bound(budget, 6);
    (void)next(0);
    msp_source_budget_give_back(budgets, budget);
    budget = msp_source_budget_take(budgets, "acme:zendesk");
    cr_assert(msp_source_budget_reserve(budget, 0, FAR_MS, &at_ms));
    cr_assert_eq(at_ms, 10000);
}

Test(source_budget, keeps_a_bounded_number_of_budgets_but_none_in_use_goes)
{
    char key[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "t%d:json", i);
        msp_source_budget_give_back(budgets, msp_source_budget_take(budgets, key));
    }
    struct msp_source_budget *same = msp_source_budget_take(budgets, "acme:zendesk");
    cr_assert_eq(same, budget);
    msp_source_budget_give_back(budgets, same);
}

static void *reserve_many(void *context)
{
    int64_t *latest = context;
    for (int i = 0; i < 1000; i++) {
        int64_t at_ms = 0;
        (void)msp_source_budget_reserve(budget, 0, FAR_MS, &at_ms);
        *latest = at_ms > *latest ? at_ms : *latest;
    }
    return NULL;
}

Test(source_budget, gives_each_of_several_threads_a_moment_of_its_own)
{
    pthread_t threads[4];
    int64_t latest[4] = {0};
    msp_source_budget_bound(budget, 60000);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, reserve_many, &latest[i]), 0);
    }
    int64_t last = 0;
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        last = latest[i] > last ? latest[i] : last;
    }
    cr_assert_eq(last, 3999);
}
