/* Finds words of the lexicon and quantities in a sentence. It judges none of them. */
#include "text_parts.h"

#include <string.h>

#define HALF_BEHIND_STEP 10 /* "two and a half": read to a tenth, unless it is called inexact */

static bool is_joint(const struct msp_token *tokens, size_t at, size_t behind)
{
    return at + 1 < behind && tokens[at].kind == MSP_TOKEN_MARK && tokens[at].glued &&
           (strcmp(tokens[at].word, "'") == 0 ||
            (strcmp(tokens[at].word, "-") == 0 && tokens[at + 1].glued));
}

/* `word` of `length` bytes, which may end in "*". */
static bool word_fits(const struct msp_token *token, const char *word, size_t length)
{
    size_t have = strlen(token->word);
    if (token->kind != MSP_TOKEN_WORD && token->kind != MSP_TOKEN_NUMBER &&
        token->kind != MSP_TOKEN_MARK)
        return false;
    if (length > 0 && word[length - 1] == '*')
        return have >= length - 1 && memcmp(token->word, word, length - 1) == 0;
    return have == length && memcmp(token->word, word, length) == 0;
}

size_t msp_phrase_at(const struct msp_token *tokens, size_t at, size_t behind, const char *phrase)
{
    size_t start = at;
    for (;;) {
        size_t length = strcspn(phrase, " |");
        if (at > start) {
            while (is_joint(tokens, at, behind))
                at++;
        }
        if (at >= behind || !word_fits(&tokens[at], phrase, length))
            return 0;
        at++;
        if (phrase[length] != ' ')
            return at - start;
        phrase += length + 1;
    }
}

bool msp_word_in(const struct msp_token *token, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (word_fits(token, *words, strlen(*words)))
            return true;
    }
    return false;
}

static size_t longest_phrase_at(const struct msp_parts *parts, size_t at, const char *phrases)
{
    size_t longest = 0;
    while (phrases != NULL) {
        const char *bar = strchr(phrases, '|');
        size_t taken = phrases[0] == parts->tokens[at].word[0]
                           ? msp_phrase_at(parts->tokens, at, parts->behind, phrases)
                           : 0;
        if (taken > longest)
            longest = taken;
        phrases = bar == NULL ? NULL : bar + 1;
    }
    return longest;
}

static bool read_marks(struct msp_parts *parts)
{
    for (size_t at = parts->first; at < parts->behind;) {
        const struct msp_lexicon_entry *found = NULL;
        size_t longest = 0;
        for (const struct msp_lexicon_entry *entry = parts->lexicon->entries;
             entry->phrases != NULL; entry++) {
            size_t taken = longest_phrase_at(parts, at, entry->phrases);
            if (taken > longest) {
                longest = taken;
                found = entry;
            }
        }
        if (found == NULL) {
            at++;
            continue;
        }
        if (parts->mark_count == MSP_SENTENCE_MARKS)
            return false;
        parts->marks[parts->mark_count++] = (struct msp_mark){
            .kind = found->kind, .value = found->value, .first = at, .behind = at + longest};
        at += longest;
    }
    return true;
}

/* Numbers inside these belong to the phrase. */
static bool is_spoken_for(const struct msp_parts *parts, size_t at)
{
    for (size_t i = 0; i < parts->date_count; i++) {
        if (at >= parts->dates[i].first && at < parts->dates[i].behind)
            return true;
    }
    for (size_t i = 0; i < parts->mark_count; i++) {
        const struct msp_mark *mark = &parts->marks[i];
        bool whole = mark->kind == MSP_MARK_STATISTIC || mark->kind == MSP_MARK_PERIOD ||
                     mark->kind == MSP_MARK_MULTIPLE || mark->kind == MSP_MARK_NOTHING ||
                     (mark->kind == MSP_MARK_BANNED && mark->behind - mark->first > 1);
        if (whole && at >= mark->first && at < mark->behind)
            return true;
    }
    return false;
}

/* Where the reading of one quantity stands. */
struct taking {
    const struct msp_parts *parts;
    size_t at;
    struct msp_quantity q;
};

static const struct msp_token *next(const struct taking *taking)
{
    return &taking->parts->tokens[taking->at];
}

static size_t here(const struct taking *taking, const char *phrase)
{
    return msp_phrase_at(taking->parts->tokens, taking->at, taking->parts->behind, phrase);
}

static int number_word(const struct msp_parts *parts, size_t at)
{
    if (at >= parts->behind || parts->tokens[at].kind != MSP_TOKEN_WORD)
        return -1;
    for (const struct msp_number_word *word = parts->lexicon->numbers; word->word != NULL; word++) {
        if (strcmp(parts->tokens[at].word, word->word) == 0)
            return word->value;
    }
    return -1;
}

/* Whether a number word goes on with what was read: "sixty" "two", but not "two" "sixty". */
static bool goes_on(int64_t sum, int word, char decimal)
{
    int64_t rest = sum % 100;
    if (word == 100 || word >= 1000)
        return sum > 0;
    if (word == 20 && sum == 4 && decimal == ',')
        return true;
    if (word == 20 && sum % 100 == 4 && decimal == ',')
        return true;
    if (word >= 10 && word < 20)
        return rest == 0 || (decimal == ',' && (rest == 60 || rest == 80));
    if (word >= 20)
        return rest == 0;
    return word > 0 &&
           (rest == 0 || (rest % 10 == 0 && rest >= 20) || (decimal == ',' && rest == 10));
}

static bool take_number_words(struct taking *taking)
{
    const struct msp_parts *parts = taking->parts;
    char decimal = parts->lexicon->decimal;
    int word = number_word(parts, taking->at);
    int64_t total = 0, sum = 0;
    bool first = true;

    if (word < 0)
        return false;
    taking->q.weak = word == 1;
    for (size_t at = taking->at;;) {
        if (word >= 1000) {
            total += (sum == 0 ? 1 : sum) * word;
            sum = 0;
        } else if (word == 100) {
            sum = (sum == 0 ? 1 : sum) * 100;
        } else if (word == 20 && sum % 100 == 4 && decimal == ',') {
            sum += 76;
        } else {
            sum += word;
        }
        if (!first)
            taking->q.weak = false;
        first = false;
        taking->at = ++at;
        while (
            is_joint(parts->tokens, at, parts->behind) ||
            (at + 1 < parts->behind && msp_word_in(&parts->tokens[at], parts->lexicon->and_words)))
            at++;
        word = number_word(parts, at);
        if (word < 0 || total > 1000000 || sum > 1000000 ||
            !(goes_on(sum, word, decimal) || (sum == 0 && total > 0 && word > 0)) ||
            (total > 0 && word >= 1000))
            break;
    }
    taking->q.value = (total + sum) * MSP_FACT_ONE;
    taking->q.step = MSP_FACT_ONE;
    return true;
}

static int64_t step_of(unsigned digits)
{
    int64_t step = MSP_FACT_ONE;
    while (digits-- > 0)
        step /= 10;
    return step;
}

static bool take_digits(struct taking *taking)
{
    const struct msp_token *token = next(taking);
    if (taking->at >= taking->parts->behind || token->kind != MSP_TOKEN_NUMBER)
        return false;
    taking->q.value = token->value;
    taking->q.step = step_of(token->digits);
    taking->q.zeros = token->zeros;
    taking->at++;
    return true;
}

/* "and a half", "et demie" behind a number or a unit: half of `unit`. */
static bool take_half_behind(struct taking *taking)
{
    size_t at = taking->at;
    const struct msp_parts *parts = taking->parts;
    if (at >= parts->behind || !msp_word_in(&parts->tokens[at], parts->lexicon->and_words))
        return false;
    at++;
    if (at < parts->behind && msp_word_in(&parts->tokens[at], parts->lexicon->articles))
        at++;
    if (at >= parts->behind || strncmp(parts->tokens[at].word, parts->lexicon->half_behind, 4) != 0)
        return false;
    taking->at = at + 1;
    return true;
}

static const struct msp_unit_word *take_unit(struct taking *taking)
{
    const struct msp_unit_word *found = NULL;
    size_t longest = 0, at = taking->at;
    /* "3-hour" */
    if (is_joint(taking->parts->tokens, at, taking->parts->behind))
        taking->at++;
    for (const struct msp_unit_word *unit = taking->parts->lexicon->units; unit->phrase != NULL;
         unit++) {
        size_t taken = here(taking, unit->phrase);
        if (taken > longest) {
            longest = taken;
            found = unit;
        }
    }
    taking->at = found == NULL ? at : taking->at + longest;
    return found;
}

static bool scale(struct msp_quantity *q, int64_t by)
{
    return !__builtin_mul_overflow(q->value, by, &q->value) &&
           !__builtin_mul_overflow(q->step, by, &q->step);
}

/* The smaller parts of a length of time: "20 min" behind "3 h". */
static bool take_more_time(struct taking *taking, int seconds)
{
    const struct msp_parts *parts = taking->parts;
    while (seconds > 1) {
        struct taking more = {.parts = parts, .at = taking->at};
        const struct msp_unit_word *unit;
        if (more.at < parts->behind && strcmp(next(&more)->word, ",") == 0)
            more.at++;
        if (more.at < parts->behind && msp_word_in(next(&more), parts->lexicon->and_words))
            more.at++;
        if (!take_digits(&more) && !take_number_words(&more))
            return true;
        unit = take_unit(&more);
        if (unit == NULL && seconds == 3600 && more.at == taking->at + 1 &&
            more.q.step == MSP_FACT_ONE && more.q.value < 60 * MSP_FACT_ONE) {
            static const struct msp_unit_word minutes = {"min", MSP_UNIT_DURATION, 60};
            unit = &minutes; /* "3 h 20" */
        }
        if (unit == NULL || unit->unit != MSP_UNIT_DURATION || unit->seconds >= seconds)
            return true;
        if (!scale(&more.q, unit->seconds) ||
            __builtin_add_overflow(taking->q.value, more.q.value, &taking->q.value))
            return false;
        taking->q.step = more.q.step;
        taking->q.whole_days = false;
        taking->at = more.at;
        seconds = unit->seconds;
    }
    return true;
}

static bool set_unit(struct taking *taking, const struct msp_unit_word *unit)
{
    struct msp_quantity *q = &taking->q;
    q->unit = unit->unit;
    if (unit->unit == MSP_UNIT_PERCENT || unit->unit == MSP_UNIT_PERCENT_POINTS) {
        if (q->step % 100 != 0)
            return false;
        q->value /= 100;
        q->step /= 100;
        return true;
    }
    if (unit->unit != MSP_UNIT_DURATION)
        return true;
    q->whole_days = unit->seconds == 86400;
    q->zeros = 0;
    if (!scale(q, unit->seconds))
        return false;
    if (take_half_behind(taking)) {
        q->value += (int64_t)unit->seconds * MSP_FACT_ONE / 2;
        q->step = (int64_t)unit->seconds * MSP_FACT_ONE /
                  (q->hedge == MSP_EXACTLY ? HALF_BEHIND_STEP : 2);
        q->whole_days = false;
    }
    return take_more_time(taking, unit->seconds);
}

static bool take_fraction(struct taking *taking)
{
    const struct msp_fraction_word *found = NULL;
    size_t longest = 0;
    for (const struct msp_fraction_word *word = taking->parts->lexicon->fractions;
         word->phrase != NULL; word++) {
        size_t taken = here(taking, word->phrase);
        if (taken > longest) {
            longest = taken;
            found = word;
        }
    }
    if (found == NULL)
        return false;
    taking->at += longest;
    taking->q.value = MSP_FACT_ONE * found->numerator / found->denominator;
    taking->q.step = MSP_FACT_ONE / 100;
    taking->q.fraction = true;
    taking->q.unit = MSP_UNIT_PERCENT;
    return true;
}

/* "half an hour", "trois quarts d'heure". */
static bool take_fraction_of_time(struct taking *taking)
{
    static const char *const between[] = {"of", "an", "a", "d", "'", "-", NULL};
    struct taking more = *taking;
    const struct msp_unit_word *unit;
    while (more.at < more.parts->behind && msp_word_in(next(&more), between))
        more.at++;
    unit = take_unit(&more);
    if (unit == NULL || unit->unit != MSP_UNIT_DURATION)
        return true;
    more.q.unit = MSP_UNIT_DURATION;
    more.q.fraction = false;
    more.q.step = MSP_FACT_ONE / 20; /* of the unit: three minutes of an hour */
    *taking = more;
    return scale(&taking->q, unit->seconds);
}

/* "an hour", "une heure": one of a unit. */
static bool take_article(struct taking *taking)
{
    struct taking more = *taking;
    if (more.at >= more.parts->behind || !msp_word_in(next(&more), more.parts->lexicon->articles))
        return false;
    more.at++;
    size_t at = more.at;
    const struct msp_unit_word *unit = take_unit(&more);
    if (unit == NULL || unit->unit != MSP_UNIT_DURATION)
        return false;
    taking->at = at;
    taking->q.value = MSP_FACT_ONE;
    taking->q.step = MSP_FACT_ONE;
    taking->q.weak = true;
    return true;
}

static void take_hedge_before(struct taking *taking)
{
    const struct msp_parts *parts = taking->parts;
    size_t number = taking->q.first;
    for (const struct msp_hedge_word *word = parts->lexicon->hedges; word->phrase != NULL; word++) {
        for (size_t back = 1; back <= 5 && back <= number - parts->first; back++) {
            if (msp_phrase_at(parts->tokens, number - back, parts->behind, word->phrase) == back &&
                number - back < taking->q.first) {
                taking->q.first = number - back;
                taking->q.hedge = word->hedge;
            }
        }
    }
}

static void take_sign(struct taking *taking)
{
    const struct msp_token *token = next(taking);
    bool plus = strcmp(token->word, "+") == 0;
    bool minus = strcmp(token->word, "-") == 0 && !token->glued;
    if (token->kind != MSP_TOKEN_MARK || (!plus && !minus) || token[1].kind != MSP_TOKEN_NUMBER ||
        !token[1].glued)
        return;
    taking->q.sign = plus ? 1 : -1;
    taking->at++;
}

/* 1 = taken, 0 = none here, -1 = more than fits. */
static int take_quantity(struct msp_parts *parts, size_t at, struct msp_quantity *out)
{
    struct taking taking = {.parts = parts, .at = at, .q = {.first = at}};
    const struct msp_unit_word *unit;
    bool fits = true;

    take_hedge_before(&taking);
    take_sign(&taking);
    if (take_fraction(&taking)) {
        fits = take_fraction_of_time(&taking);
    } else if (take_digits(&taking) || take_article(&taking) || take_number_words(&taking)) {
        size_t number = taking.at;
        if (take_half_behind(&taking)) {
            taking.q.value += MSP_FACT_ONE / 2;
            taking.q.step = MSP_FACT_ONE / (taking.q.hedge == MSP_EXACTLY ? HALF_BEHIND_STEP : 2);
        }
        unit = take_unit(&taking);
        if (unit == NULL && taking.at != number && taking.q.weak)
            taking.at = number;
        if (unit != NULL)
            fits = set_unit(&taking, unit);
    } else {
        return 0;
    }
    taking.q.behind = taking.at;
    *out = taking.q;
    return fits ? 1 : -1;
}

static bool read_quantities(struct msp_parts *parts)
{
    for (size_t at = parts->first; at < parts->behind;) {
        struct msp_quantity quantity;
        int taken = is_spoken_for(parts, at) ? 0 : take_quantity(parts, at, &quantity);
        if (taken < 0 || (taken > 0 && parts->quantity_count == MSP_SENTENCE_QUANTITIES))
            return false;
        if (taken > 0) {
            parts->quantities[parts->quantity_count++] = quantity;
            at = quantity.behind;
        } else {
            at++;
        }
    }
    return true;
}

/* Units, hedges and months are not claims of their own. */
static void forget_marks_inside(struct msp_parts *parts)
{
    size_t kept = 0;
    for (size_t i = 0; i < parts->mark_count; i++) {
        const struct msp_mark mark = parts->marks[i];
        bool inside = false;
        for (size_t q = 0; q < parts->quantity_count; q++)
            inside |= mark.first >= parts->quantities[q].first &&
                      mark.first < parts->quantities[q].behind;
        for (size_t d = 0; d < parts->date_count; d++)
            inside |= mark.first >= parts->dates[d].first && mark.first < parts->dates[d].behind;
        if (!inside)
            parts->marks[kept++] = mark;
    }
    parts->mark_count = kept;
}

bool msp_parts_read(struct msp_parts *parts, const struct msp_token *tokens, size_t first,
                    size_t behind, const struct msp_lexicon *lexicon)
{
    *parts =
        (struct msp_parts){.tokens = tokens, .lexicon = lexicon, .first = first, .behind = behind};
    if (!read_marks(parts) || !msp_parts_read_dates(parts) || !read_quantities(parts))
        return false;
    forget_marks_inside(parts);
    return true;
}
