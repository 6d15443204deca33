/* From a model's text to sentences that have been judged. It makes nothing true: what does not pass
 * is refused with a reason. */
#include "text_check.h"

#include "text_judge.h"

#include <string.h>

const char msp_text_check_rules[] =
    "Every claim is checked by a program against the facts. Follow these rules or the text is "
    "refused.\n"
    "- Put a citation right behind each number, date and change: [f9], or [f9,f12] where one claim "
    "needs both. A citation backs the words since the citation before it.\n"
    "- Copy numbers from \"written\". Name the metric beside its number, in the same clause, and "
    "the "
    "statistic for times (median, mean, 90th percentile). One number, one citation.\n"
    "- Say \"the previous period\" (or its month) right beside each number of the previous "
    "period.\n"
    "- Cite a fact of period \"change\", or both values, for each word of direction (rose, fell, "
    "higher, improved, stable). Improved and worsened depend on \"good\".\n"
    "- A change of a percentage is in percentage points; only facts of kind \"percent\" are "
    "changes "
    "in percent.\n"
    "- Where a fact has no value, say that there is no data and cite it.\n"
    "- Name the member in the sentence that cites a fact of it; never mix it with the totals in "
    "one "
    "sentence.\n"
    "- Short plain sentences in paragraphs. No lists, headings, markup, links, superlatives, vague "
    "amounts (several, many), ordinals, forecasts, rates for each day or person, negated changes.\n"
    "- Sentences without a citation hold no number, date or comparison.\n";

/* Where sentences begin and end in the tokens. */
struct walk {
    const struct msp_token *tokens;
    size_t count;
    const struct msp_lexicon *lexicon;
};

static bool is_mark(const struct msp_token *token, const char *marks)
{
    return token->kind == MSP_TOKEN_MARK && token->word[1] == '\0' &&
           strchr(marks, token->word[0]) != NULL;
}

static bool ends_sentence(const struct walk *walk, size_t at)
{
    const struct msp_token *token = &walk->tokens[at];
    const struct msp_token *behind = &walk->tokens[at + 1];
    if (!is_mark(token, ".!?"))
        return false;
    if (behind->glued && behind->kind != MSP_TOKEN_CITATION && !is_mark(behind, ")\".!?"))
        return false;
    /* "approx. 120", "J. Doe": an abbreviation, and what follows begins no sentence. */
    if (token->word[0] == '.' && at > 0 && walk->tokens[at - 1].kind == MSP_TOKEN_WORD &&
        msp_word_in(&walk->tokens[at - 1], walk->lexicon->abbreviations) &&
        behind->kind != MSP_TOKEN_LINE && !(behind->kind == MSP_TOKEN_WORD && behind->capital))
        return false;
    return true;
}

/* The sentence that begins at `first`: with its closing marks and the citations behind them. */
static size_t sentence_end(const struct walk *walk, size_t first)
{
    size_t at = first;
    while (at < walk->count && walk->tokens[at].kind != MSP_TOKEN_LINE && !ends_sentence(walk, at))
        at++;
    if (walk->tokens[at].kind == MSP_TOKEN_LINE)
        return at;
    at++;
    while (walk->tokens[at].kind == MSP_TOKEN_CITATION ||
           (is_mark(&walk->tokens[at], ")\"") && walk->tokens[at].glued) ||
           (is_mark(&walk->tokens[at], ".!?") && walk->tokens[at - 1].kind == MSP_TOKEN_CITATION))
        at++;
    return at;
}

/* The sentence as it is shown: its own bytes without citations and the spaces before them. */
static const char *shown(const struct msp_token *tokens, size_t first, size_t behind,
                         struct msp_arena *arena)
{
    const char *end = tokens[behind - 1].start + tokens[behind - 1].length;
    char *text = msp_arena_alloc(arena, (size_t)(end - tokens[first].start) + 1);
    size_t used = 0;
    const char *from = tokens[first].start;
    for (size_t at = first; text != NULL && at < behind; at++) {
        const struct msp_token *token = &tokens[at];
        if (token->kind == MSP_TOKEN_CITATION) {
            from = token->start + token->length;
            continue;
        }
        size_t space = used == 0 ? 0 : (size_t)(token->start - from);
        memcpy(text + used, token->start - space, space + token->length);
        used += space + token->length;
        from = token->start + token->length;
    }
    if (text != NULL)
        text[used] = '\0';
    return text;
}

static bool keep(struct msp_summary_sentence *sentence, const struct msp_judge *judge,
                 struct msp_arena *arena)
{
    size_t count = 0;
    for (size_t s = 0; s < judge->segment_count; s++)
        count += judge->segments[s].count;
    const struct msp_fact **facts =
        msp_arena_calloc(arena, count + 1, sizeof(const struct msp_fact *));
    sentence->text = shown(judge->parts.tokens, judge->parts.first, judge->parts.behind, arena);
    sentence->facts = facts;
    if (facts == NULL || sentence->text == NULL)
        return false;
    for (size_t s = 0; s < judge->segment_count; s++) {
        for (size_t i = 0; i < judge->segments[s].count; i++) {
            bool known = false;
            for (size_t f = 0; f < sentence->fact_count; f++)
                known |= facts[f] == judge->segments[s].facts[i];
            if (!known)
                facts[sentence->fact_count++] = judge->segments[s].facts[i];
        }
    }
    return true;
}

static enum msp_result check_sentences(struct msp_judge *judge, const struct walk *walk,
                                       struct msp_arena *arena, struct msp_summary_text *text)
{
    size_t paragraph = 0;
    for (size_t at = 0; at < walk->count;) {
        if (walk->tokens[at].kind == MSP_TOKEN_LINE) {
            paragraph += at + 1 < walk->count ? 1 : 0;
            at++;
            continue;
        }
        size_t behind = sentence_end(walk, at);
        if (text->sentence_count == MSP_TEXT_CHECK_MAX_SENTENCES)
            return msp_fail(judge->error, MSP_INVALID, "text_length",
                            "The text has more than %d sentences; write fewer.",
                            MSP_TEXT_CHECK_MAX_SENTENCES);
        if (!msp_parts_read(&judge->parts, walk->tokens, at, behind, walk->lexicon))
            return msp_judge_refuse(judge, "text_sentence", at, behind,
                                    "the sentence is too long or its numbers too large; write "
                                    "shorter ones.");
        enum msp_result result = msp_judge_sentence(judge);
        if (result != MSP_OK)
            return result;
        struct msp_summary_sentence *sentence = &text->sentences[text->sentence_count++];
        sentence->paragraph = paragraph;
        if (!keep(sentence, judge, arena))
            return msp_fail(judge->error, MSP_NO_MEMORY, "no_memory",
                            "Memory is short; try again.");
        at = behind;
    }
    return MSP_OK;
}

enum msp_result msp_text_check(const struct msp_facts *facts, enum msp_language language,
                               const char *text, size_t length, struct msp_arena *arena,
                               struct msp_summary_text *out, struct msp_error *error)
{
    struct walk walk = {.lexicon =
                            language == MSP_FRENCH ? &msp_lexicon_french : &msp_lexicon_english};
    struct msp_summary_text checked = {.sentence_count = 0};
    struct msp_token *tokens = NULL;
    enum msp_result result;

    if (length > MSP_TEXT_CHECK_MAX_BYTES)
        return msp_fail(error, MSP_INVALID, "text_length",
                        "The text has more than %d bytes; write a shorter one.",
                        MSP_TEXT_CHECK_MAX_BYTES);
    struct msp_judge *judge = msp_arena_calloc(arena, 1, sizeof *judge);
    checked.sentences =
        msp_arena_calloc(arena, MSP_TEXT_CHECK_MAX_SENTENCES, sizeof *checked.sentences);
    if (judge == NULL || checked.sentences == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");
    *judge = (struct msp_judge){.facts = facts, .language = language, .error = error};
    result = msp_text_tokens(facts, walk.lexicon, text, length, arena, &tokens, &walk.count, error);
    walk.tokens = tokens;
    if (result == MSP_OK)
        result = check_sentences(judge, &walk, arena, &checked);
    if (result == MSP_OK && checked.sentence_count == 0)
        result = msp_fail(error, MSP_INVALID, "text_empty", "The text is empty; write a summary.");
    if (result == MSP_OK)
        result = msp_summary_text_join(&checked, arena, error);
    if (result == MSP_OK)
        *out = checked;
    return result;
}
