/* Reading by id over offsets: nothing that stays in the list is missed, however the list moves. */
#include "sources/source_rank.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define IDS 3000

/* A list that somebody changes between two answers. */
struct list {
    bool here[IDS]; /* by id */
    bool left[IDS]; /* was out of it at some moment since the reading began */
    bool seen[IDS];
    unsigned draw;
};

static unsigned next_draw(struct list *list, unsigned bound)
{
    list->draw = list->draw * 1664525U + 1013904223U;
    return (list->draw >> 8) % bound;
}

static struct list *new_list(unsigned seed, int percent)
{
    struct list *list = calloc(1, sizeof *list);
    list->draw = seed;
    for (int id = 0; id < IDS; id++) {
        list->here[id] = (int)next_draw(list, 100) < percent;
        list->left[id] = !list->here[id];
    }
    return list;
}

static int64_t count(const struct list *list)
{
    int64_t rows = 0;
    for (int id = 0; id < IDS; id++) {
        rows += list->here[id];
    }
    return rows;
}

static json_t *answer(struct list *list, const struct msp_source_range *range)
{
    json_t *rows = json_array();
    int64_t at = 0;
    for (int id = 0; id < IDS; id++) {
        if (list->here[id] && at++ >= range->offset && at <= range->offset + range->rows) {
            json_array_append_new(rows, json_pack("{si}", "id", id));
            list->seen[id] = true;
        }
    }
    return rows;
}

static void change(struct list *list, unsigned changes)
{
    while (changes-- > 0) {
        unsigned id = next_draw(list, IDS);
        list->here[id] = !list->here[id];
        list->left[id] = true;
    }
}

/* Reads to the end and says in how many answers; -1 past `bound`. */
static int read_all(struct list *list, bool by_number, int64_t page_rows, int64_t cap,
                    unsigned changes, bool tells_total, int bound)
{
    char text[MSP_SOURCE_RANK_BYTES] = "";
    for (int asked = 1; asked <= bound; asked++) {
        struct msp_source_rank rank;
        struct msp_error error;
        bool done = false;
        cr_assert(msp_source_rank_read(text, page_rows, &rank));
        struct msp_source_range range =
            by_number ? msp_source_rank_page(&rank) : msp_source_rank_range(&rank);
        struct msp_source_range given = range;
        given.rows = range.rows < cap ? range.rows : cap;
        if (by_number) {
            given.offset = range.offset / range.rows * given.rows;
        }
        json_t *rows = answer(list, &given);
        enum msp_result result = msp_source_rank_take(
            &rank, &range, rows, "id", tells_total ? count(list) : -1, &done, &error);
        cr_assert_eq(result, MSP_OK, "%s", error.detail);
        json_decref(rows);
        if (done) {
            return asked;
        }
        change(list, changes);
        msp_source_rank_write(&rank, text);
    }
    return -1;
}

static void check_seen(const struct list *list)
{
    for (int id = 0; id < IDS; id++) {
        cr_assert(list->left[id] || list->seen[id], "%d stayed and was not read", id);
    }
}

Test(source_rank, a_list_at_rest_is_read_with_little_more_than_its_pages)
{
    for (int by_number = 0; by_number < 2; by_number++) {
        struct list *list = new_list(1, 100);
        int answers = read_all(list, by_number, 100, 100, 0, true, 100);
        check_seen(list);
        cr_assert(answers > 0 && answers <= 36, "%d answers for 30 pages", answers);
        free(list);
    }
}

Test(source_rank, nothing_that_stays_is_missed_while_rows_leave_and_come)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct list *list = new_list(seed, 60);
        int answers = read_all(list, seed % 2 == 0, 50, 50, seed % 37, seed % 3 != 0, 2000);
        cr_assert(answers > 0, "seed %u never came to an end", seed);
        check_seen(list);
        free(list);
    }
}

Test(source_rank, rows_that_leave_all_the_time_cost_three_times_the_pages_at_most)
{
    for (int by_number = 0; by_number < 2; by_number++) {
        struct list *list = new_list(3, 100);
        int answers = read_all(list, by_number, 60, 60, 6, true, 1000);
        check_seen(list);
        cr_assert(answers > 0 && answers <= 150, "%d answers for 50 pages", answers);
        free(list);
    }
}

Test(source_rank, a_source_that_gives_fewer_rows_than_asked_is_believed_by_its_total)
{
    for (int by_number = 0; by_number < 2; by_number++) {
        struct list *list = new_list(7, 100);
        cr_assert(read_all(list, by_number, 200, 30, 3, true, 1000) > 0);
        check_seen(list);
        free(list);
    }
}

Test(source_rank, an_empty_list_is_done_at_once)
{
    struct list *list = new_list(7, 0);
    cr_assert_eq(read_all(list, true, 100, 100, 0, true, 10), 1);
    cr_assert_eq(read_all(list, false, 100, 100, 0, false, 10), 1);
    free(list);
}

Test(source_rank, rows_out_of_order_are_refused)
{
    struct msp_source_rank rank;
    struct msp_error error;
    bool done;
    json_t *rows = json_pack("[{si},{si}]", "id", 9, "id", 4);
    cr_assert(msp_source_rank_read("", 100, &rank));
    struct msp_source_range range = msp_source_rank_page(&rank);
    cr_assert_eq(msp_source_rank_take(&rank, &range, rows, "id", 2, &done, &error), MSP_BROKEN);
    cr_assert_str_eq(error.code, "source_answer_malformed");
    json_decref(rows);
}

Test(source_rank, a_place_of_another_make_is_refused)
{
    static const char *const bad[] = {"1", "1:2", "1:2:3:4", "-1:2:3", "1:2:0", "1:2:101", "a"};
    struct msp_source_rank rank;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(msp_source_rank_read(bad[i], 100, &rank), "%s", bad[i]);
    }
}
