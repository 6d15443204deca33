/* Days and months in a sentence, as both languages write them. It asks no calendar. */
#include "text_parts.h"

#include <string.h>

static int month_at(const struct msp_parts *parts, size_t at)
{
    const struct msp_token *token = &parts->tokens[at];
    /* "march" and "may" are verbs where they are written small; French months are always small. */
    if (at >= parts->behind || token->kind != MSP_TOKEN_WORD ||
        (parts->lexicon->decimal == '.' && !token->capital))
        return 0;
    for (int i = 0; i < 24; i++) {
        const char *month = parts->lexicon->months[i];
        if (month != NULL && strcmp(token->word, month) == 0)
            return i % 12 + 1;
    }
    return 0;
}

static bool is_whole(const struct msp_token *token)
{
    return token->kind == MSP_TOKEN_NUMBER && token->digits == 0;
}

static int number_at(const struct msp_parts *parts, size_t at, int least, int most)
{
    const struct msp_token *token = &parts->tokens[at];
    if (at >= parts->behind)
        return 0;
    if (token->kind == MSP_TOKEN_WORD && strcmp(token->word, "premier") == 0 && least <= 1)
        return 1;
    if (!is_whole(token) || token->length > 4)
        return 0;
    int64_t value = token->value / MSP_FACT_ONE;
    return value >= least && value <= most ? (int)value : 0;
}

static bool is_mark(const struct msp_parts *parts, size_t at, const char *mark)
{
    return at < parts->behind && parts->tokens[at].kind == MSP_TOKEN_MARK &&
           strcmp(parts->tokens[at].word, mark) == 0;
}

static bool is_word(const struct msp_parts *parts, size_t at, const char *word)
{
    return at < parts->behind && parts->tokens[at].kind == MSP_TOKEN_WORD &&
           strcmp(parts->tokens[at].word, word) == 0;
}

/* The day of a month and its "st", "th" or "er" at *at, which moves behind it. */
static int take_day(const struct msp_parts *parts, size_t *at)
{
    static const char *const endings[] = {"st", "nd", "rd", "th", "er", "e", NULL};
    int day = number_at(parts, *at, 1, 31);
    if (day == 0)
        return 0;
    (*at)++;
    if (*at < parts->behind && parts->tokens[*at].glued &&
        msp_word_in(&parts->tokens[*at], endings))
        (*at)++;
    return day;
}

static int take_year(const struct msp_parts *parts, size_t *at)
{
    size_t next = is_mark(parts, *at, ",") ? *at + 1 : *at;
    int year = number_at(parts, next, 1900, 2261);
    if (year > 0 && parts->tokens[next].length == 4)
        *at = next + 1;
    return year;
}

/* "to", "-", "au" between two days of one month. */
static bool take_joint(const struct msp_parts *parts, size_t *at)
{
    if (*at >= parts->behind || !msp_word_in(&parts->tokens[*at], parts->lexicon->date_to))
        return false;
    (*at)++;
    if (is_word(parts, *at, "the") || is_word(parts, *at, "le"))
        (*at)++;
    return true;
}

/* Both days of "1 to 31 March", or the one of "31 March". */
struct days {
    int one, other; /* other 0: only one */
    size_t behind;
};

static struct days days_at(const struct msp_parts *parts, size_t at)
{
    struct days days = {.behind = at};
    size_t next;
    days.one = take_day(parts, &days.behind);
    next = days.behind;
    if (days.one > 0 && take_joint(parts, &next)) {
        days.other = take_day(parts, &next);
        if (days.other > 0)
            days.behind = next;
    }
    return days;
}

static int weekday_before(const struct msp_parts *parts, size_t first)
{
    size_t at = first;
    if (at > parts->first && is_mark(parts, at - 1, ","))
        at--;
    for (int i = 0; at > parts->first && i < 7; i++) {
        if (is_word(parts, at - 1, parts->lexicon->weekdays[i]))
            return i;
    }
    return -1;
}

static bool add(struct msp_parts *parts, struct msp_text_date date)
{
    if (parts->date_count == MSP_SENTENCE_DATES)
        return false;
    date.weekday = weekday_before(parts, date.first);
    if (date.weekday >= 0)
        date.first -= is_mark(parts, date.first - 1, ",") ? 2 : 1;
    parts->dates[parts->date_count++] = date;
    return true;
}

static bool add_days(struct msp_parts *parts, const struct days *days, int month, int year,
                     size_t first, size_t behind)
{
    struct msp_text_date date = {
        .first = first, .behind = behind, .day = days->one, .month = month, .year = year};
    date.starts = days->other > 0;
    if (!add(parts, date))
        return false;
    date.starts = false, date.ends = true, date.day = days->other;
    return days->other == 0 || add(parts, date);
}

/* "1 March 2026", "1 to 31 March", "1er mars". */
static size_t day_first(struct msp_parts *parts, size_t at, bool *room)
{
    struct days days = days_at(parts, at);
    size_t behind = days.behind;
    if (days.one > 0 && is_word(parts, behind, "of"))
        behind++;
    int month = days.one > 0 ? month_at(parts, behind) : 0;
    if (month == 0)
        return 0;
    behind++;
    int year = take_year(parts, &behind);
    *room = add_days(parts, &days, month, year, at, behind);
    return behind - at;
}

/* "March 1, 2026", "March 1-31", "March 2026", "March". */
static size_t month_first(struct msp_parts *parts, size_t at, bool *room)
{
    int month = month_at(parts, at);
    size_t behind = at + 1;
    if (month == 0)
        return 0;
    struct days days = days_at(parts, behind);
    /* "March 1 to 3 April": the second day has a month of its own. */
    if (days.other > 0 && month_at(parts, days.behind) > 0) {
        size_t one = behind;
        days.one = take_day(parts, &one);
        days.other = 0;
        days.behind = one;
    }
    if (days.one > 0)
        behind = days.behind;
    int year = take_year(parts, &behind);
    *room = add_days(parts, &days, month, year, at, behind);
    return behind - at;
}

/* "2026-03-01" and "01/03/2026"; the latter only where the day comes first by custom. */
static size_t all_digits(struct msp_parts *parts, size_t at, bool *room)
{
    bool iso = is_mark(parts, at + 1, "-") && is_mark(parts, at + 3, "-");
    bool slashes = parts->lexicon->decimal == ',' && is_mark(parts, at + 1, "/") &&
                   is_mark(parts, at + 3, "/");
    if (at + 5 > parts->behind || (!iso && !slashes))
        return 0;
    struct msp_text_date date = {
        .first = at, .behind = at + 5, .month = number_at(parts, at + 2, 1, 12)};
    date.year = number_at(parts, iso ? at : at + 4, 1900, 2261);
    date.day = number_at(parts, iso ? at + 4 : at, 1, 31);
    if (date.year == 0 || date.month == 0 || date.day == 0)
        return 0;
    *room = add(parts, date);
    return 5;
}

static bool in_a_mark(const struct msp_parts *parts, size_t at)
{
    for (size_t i = 0; i < parts->mark_count; i++) {
        if (parts->marks[i].kind == MSP_MARK_STATISTIC && at >= parts->marks[i].first &&
            at < parts->marks[i].behind)
            return true;
    }
    return false;
}

bool msp_parts_read_dates(struct msp_parts *parts)
{
    bool room = true;
    for (size_t at = parts->first; at < parts->behind && room;) {
        size_t taken = in_a_mark(parts, at) ? 1 : all_digits(parts, at, &room);
        if (taken == 0)
            taken = day_first(parts, at, &room);
        if (taken == 0)
            taken = month_first(parts, at, &room);
        at += taken == 0 ? 1 : taken;
    }
    return room;
}
