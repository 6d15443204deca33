/* Metrics: the exposition format to the letter, and sums that never fall. */
#include "metrics_text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct msp_status_board *board;
static struct msp_answer_cache *answers;
static struct msp_buffer text;

static void begin(void)
{
    board = aligned_alloc(64, (sizeof *board + 63) / 64 * 64);
    cr_assert_not_null(board);
    memset(board, 0, sizeof *board);
    answers = msp_answer_cache_init(calloc(1, msp_answer_cache_bytes()));
    cr_assert_not_null(answers);
    msp_buffer_init(&text, 0);
}

static void end(void)
{
    msp_buffer_done(&text);
    free(answers);
    free(board);
}

TestSuite(metrics_text, .init = begin, .fini = end);

static const char *written(void)
{
    msp_buffer_clear(&text);
    msp_metrics_write(&(struct msp_shared_map){.board = board, .answers = answers}, &text);
    msp_buffer_append(&text, "", 1);
    cr_assert(!text.failed);
    return text.data;
}

static void expect_line(const char *line)
{
    const char *all = written();
    size_t length = strlen(line);
    for (const char *at = strstr(all, line); at != NULL; at = strstr(at + 1, line))
        if ((at == all || at[-1] == '\n') && at[length] == '\n')
            return;
    cr_assert_fail("no line \"%s\" in:\n%s", line, all);
}

Test(metrics_text, a_metric_has_its_help_its_type_and_its_value)
{
    board->slots[0].requests = 3;
    board->slots[7].requests = 4;
    board->started_us = 1700000000999999;
    expect_line("# HELP msp_http_requests_total Requests answered.");
    expect_line("# TYPE msp_http_requests_total counter");
    expect_line("msp_http_requests_total 7");
    expect_line("msp_start_time_seconds 1700000000");
    expect_line("msp_build_info{version=\"" MSP_VERSION "\"} 1");
}

Test(metrics_text, a_child_that_is_gone_keeps_its_counters_and_loses_its_gauges)
{
    board->slots[3].requests = 10;
    board->slots[3].connections = 2;
    board->slots[3].pool_refused = 1;
    board->slots[4].requests = 5;
    msp_board_bury(board, &board->slots[3]);
    expect_line("msp_http_requests_total 15");
    expect_line("msp_http_connections 0");
    expect_line("msp_db_pool_refused_total 1");
    cr_expect(board->slots[3].requests == 0);
}

Test(metrics_text, a_master_that_died_while_burying_stops_nobody)
{
    board->ended.change = 1;
    board->slots[0].requests = 5;
    expect_line("msp_http_requests_total 5");
}

Test(metrics_text, lanes_and_kinds_are_labels)
{
    board->jobs.lanes[1].queued = 9;
    (void)strcpy(board->jobs.kinds[2].name, "kpi");
    board->jobs.kinds[2].attempts = 6;
    board->jobs.kinds[2].put_off = 2;
    expect_line("msp_jobs_queued{lane=\"short\"} 0");
    expect_line("msp_jobs_queued{lane=\"long\"} 9");
    expect_line("msp_job_attempts_total{kind=\"kpi\"} 6");
    expect_line("msp_job_outcomes_total{kind=\"kpi\",outcome=\"put_off\"} 2");
    cr_expect(strstr(written(), "kind=\"\"") == NULL);
}

Test(metrics_text, a_label_is_escaped)
{
    (void)strcpy(board->jobs.kinds[0].name, "a\"b\\c\nd");
    expect_line("msp_job_attempts_total{kind=\"a\\\"b\\\\c\\nd\"} 0");
}

Test(metrics_text, buckets_add_up_to_the_count)
{
    struct msp_board_job_kind *kind = &board->jobs.kinds[0];
    (void)strcpy(kind->name, "export");
    msp_board_add_run(kind, 100000);
    msp_board_add_run(kind, 100001);
    msp_board_add_run(kind, 400000);
    msp_board_add_run(kind, 4000000000);
    expect_line("msp_job_run_seconds_bucket{kind=\"export\",le=\"0.1\"} 1");
    expect_line("msp_job_run_seconds_bucket{kind=\"export\",le=\"0.5\"} 3");
    expect_line("msp_job_run_seconds_bucket{kind=\"export\",le=\"3600\"} 3");
    expect_line("msp_job_run_seconds_bucket{kind=\"export\",le=\"+Inf\"} 4");
    expect_line("msp_job_run_seconds_sum{kind=\"export\"} 4000.600001");
    expect_line("msp_job_run_seconds_count{kind=\"export\"} 4");
}

Test(metrics_text, what_is_not_configured_is_not_told)
{
    cr_expect(strstr(written(), "redis") == NULL);
    board->health.redis_configured = 1;
    board->health.postgres_ok_since_us = 5;
    expect_line("msp_dependency_up{name=\"postgresql\"} 1");
    expect_line("msp_dependency_up{name=\"redis\"} 0");
}
