/* Characters to tokens: which characters a plain sentence may hold, names, numbers, citations. It
 * judges no claim. */
#include "text_tokens.h"

#include "msp/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LONGEST_NUMBER 18

struct reader {
    const struct msp_facts *facts;
    const struct msp_lexicon *lexicon;
    const char *text;
    size_t length, at;
    struct msp_token *tokens;
    size_t count;
    bool cited[MSP_FACTS_MAX + 1]; /* anywhere in the text */
    struct msp_error *error;
};

static enum msp_result refuse(struct reader *reader, const char *code, const char *what,
                              size_t length, const char *why)
{
    return msp_fail(reader->error, MSP_INVALID, code, "“%.*s”: %s",
                    (int)(length < 60 ? length : 60), what, why);
}

static uint32_t decode(const char *text, size_t bytes)
{
    const unsigned char *b = (const unsigned char *)text;
    switch (bytes) {
    case 1:
        return b[0];
    case 2:
        return (uint32_t)(b[0] & 0x1f) << 6 | (b[1] & 0x3f);
    case 3:
        return (uint32_t)(b[0] & 0x0f) << 12 | (uint32_t)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
    default:
        return 0x110000;
    }
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == 0x202f || c == 0x2009 || c == '\t';
}

static bool is_letter(uint32_t c)
{
    return (c < 0x80 && isalpha((int)c)) || (c >= 0xc0 && c <= 0xff && c != 0xd7 && c != 0xf7) ||
           c == 0x152 || c == 0x153 || c == 0x178;
}

/* Marks a plain sentence is written with; everything else is markup, a look-alike or unseen. */
static const char *mark_of(uint32_t c)
{
    static const struct {
        uint32_t c;
        const char *mark;
    } marks[] = {{'.', "."},    {',', ","},    {';', ";"},    {':', ":"},     {'!', "!"},
                 {'?', "?"},    {'(', "("},    {')', ")"},    {'\'', "'"},    {0x2019, "'"},
                 {'"', "\""},   {0xab, "\""},  {0xbb, "\""},  {0x201c, "\""}, {0x201d, "\""},
                 {'-', "-"},    {0x2010, "-"}, {0x2011, "-"}, {0x2013, "-"},  {0x2014, "--"},
                 {0x2212, "-"}, {'%', "%"},    {'+', "+"},    {0x2026, "."},  {'/', "/"}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (marks[i].c == c)
            return marks[i].mark;
    }
    return NULL;
}

static uint32_t peek(const struct reader *reader, size_t at, size_t *bytes)
{
    *bytes =
        at < reader->length ? msp_utf8_character_bytes(reader->text + at, reader->length - at) : 0;
    return *bytes == 0 ? 0 : decode(reader->text + at, *bytes);
}

static struct msp_token *add(struct reader *reader, enum msp_token_kind kind, size_t start)
{
    struct msp_token *token = &reader->tokens[reader->count];
    *token = (struct msp_token){.kind = kind, .start = reader->text + start};
    token->glued = reader->count > 0 && token[-1].kind != MSP_TOKEN_LINE &&
                   token[-1].start + token[-1].length == token->start;
    reader->count++;
    return token;
}

static void end(struct reader *reader, struct msp_token *token, size_t at)
{
    token->length = (size_t)(reader->text + at - token->start);
    reader->at = at;
}

static bool has_letter(const char *name)
{
    for (; *name != '\0'; name++) {
        if (isalpha((unsigned char)*name) || (unsigned char)*name >= 0xc3)
            return true;
    }
    return false;
}

/* The name stands here, whole and not as a part of a longer word. */
static bool name_is_here(const struct reader *reader, const char *name)
{
    size_t size = strlen(name);
    size_t bytes;
    if (size == 0 || size > reader->length - reader->at || !has_letter(name) ||
        strncasecmp(reader->text + reader->at, name, size) != 0)
        return false;
    uint32_t behind = peek(reader, reader->at + size, &bytes);
    return !is_letter(behind) && !(behind < 0x80 && isdigit((int)behind));
}

static bool read_name(struct reader *reader)
{
    size_t longest = 0;
    const struct msp_fact *of = NULL;
    const struct msp_facts *facts = reader->facts;
    const char *others[] = {facts->tenant_name, facts->timezone};

    for (size_t i = 0; i < 2; i++) {
        if (name_is_here(reader, others[i]) && strlen(others[i]) > longest)
            longest = strlen(others[i]);
    }
    for (size_t i = 0; i < facts->count; i++) {
        const struct msp_fact *fact = &facts->list[i];
        if (fact->member == NULL || strlen(fact->member) <= longest ||
            !name_is_here(reader, fact->member))
            continue;
        /* Without a citation a name is only seen where it is written as a name. */
        if (!reader->cited[i + 1] &&
            (islower((unsigned char)fact->member[0]) ||
             strncmp(reader->text + reader->at, fact->member, strlen(fact->member)) != 0))
            continue;
        /* The contract's own priorities are words of the language, and its tables hold them. */
        if (strcmp(fact->dimension, "priority") == 0)
            continue;
        longest = strlen(fact->member);
        of = fact;
    }
    if (longest == 0)
        return false;
    struct msp_token *token = add(reader, MSP_TOKEN_NAME, reader->at);
    token->name = of;
    end(reader, token, reader->at + longest);
    return true;
}

static size_t id_length(const struct reader *reader, size_t at)
{
    size_t length = 0;
    if (at < reader->length && reader->text[at] == 'f')
        length = 1;
    while (length > 0 && length < MSP_FACT_ID_BYTES && at + length < reader->length &&
           isdigit((unsigned char)reader->text[at + length]))
        length++;
    return length;
}

static enum msp_result read_citation(struct reader *reader)
{
    size_t at = reader->at + 1;
    struct msp_token *token = add(reader, MSP_TOKEN_CITATION, reader->at);
    for (;;) {
        while (at < reader->length && reader->text[at] == ' ')
            at++;
        size_t length = id_length(reader, at);
        const struct msp_fact *fact = msp_facts_by_id(reader->facts, reader->text + at, length);
        if (fact == NULL || token->cited_count == MSP_CITATION_MAX)
            return refuse(reader, "text_citation", reader->text + reader->at,
                          reader->length - reader->at < 16 ? reader->length - reader->at : 16,
                          "this is no citation of known facts; cite as in [f12] or [f1,f7], at "
                          "most 12 at once, with ids of the list.");
        token->cited[token->cited_count++] = fact;
        at += length;
        while (at < reader->length && reader->text[at] == ' ')
            at++;
        if (at < reader->length && reader->text[at] == ']')
            break;
        if (at >= reader->length || (reader->text[at] != ',' && reader->text[at] != ';'))
            return refuse(reader, "text_citation", reader->text + reader->at, 1,
                          "a citation is not closed; cite as in [f12] or [f1,f7].");
        at++;
    }
    end(reader, token, at + 1);
    return MSP_OK;
}

/* Which facts the text cites at all, so that the names of their members are known beforehand. */
static void note_citations(struct reader *reader)
{
    for (size_t at = 0; at < reader->length; at++) {
        const char before = at == 0 ? ' ' : reader->text[at - 1];
        size_t length = before == '[' || before == ',' || before == ' ' ? id_length(reader, at) : 0;
        const struct msp_fact *fact =
            length == 0 ? NULL : msp_facts_by_id(reader->facts, reader->text + at, length);
        if (fact != NULL) {
            /* All facts of the member are known by its name. */
            for (size_t i = 0; fact->member != NULL && i < reader->facts->count; i++) {
                if (reader->facts->list[i].member == fact->member)
                    reader->cited[i + 1] = true;
            }
        }
    }
}

/* A separator of thousands and exactly three digits behind it. */
static size_t group_at(const struct reader *reader, size_t at)
{
    size_t bytes;
    uint32_t c = peek(reader, at, &bytes);
    bool separates = c == 0x202f || c == 0xa0 || c == 0x2009 ||
                     (c == ' ' && reader->lexicon->decimal == ',') ||
                     (c == ',' && reader->lexicon->decimal == '.');
    size_t digits = 0;
    while (separates && at + bytes + digits < reader->length &&
           isdigit((unsigned char)reader->text[at + bytes + digits]))
        digits++;
    return digits == 3 ? bytes + 3 : 0;
}

static void keep_digits(const struct reader *reader, size_t from, size_t to, char *digits,
                        size_t *used)
{
    for (size_t i = from; i < to && *used < LONGEST_NUMBER + 1; i++) {
        if (isdigit((unsigned char)reader->text[i]))
            digits[(*used)++] = reader->text[i];
    }
}

static size_t skip_digits(const struct reader *reader, size_t at)
{
    while (at < reader->length && isdigit((unsigned char)reader->text[at]))
        at++;
    return at;
}

static enum msp_result set_value(struct reader *reader, struct msp_token *token, const char *digits,
                                 size_t used, unsigned decimals)
{
    int64_t value = 0;
    if (used > 12 || decimals > 4)
        return refuse(reader, "text_number", token->start, token->length,
                      "write numbers with at most 8 digits and 4 decimals.");
    for (size_t i = 0; i < used; i++)
        value = value * 10 + (digits[i] - '0');
    for (unsigned i = decimals; i < 9; i++) {
        if (__builtin_mul_overflow(value, 10, &value))
            return refuse(reader, "text_number", token->start, token->length,
                          "write numbers with at most 8 digits and 4 decimals.");
    }
    token->value = value;
    token->digits = decimals;
    for (size_t i = used; decimals == 0 && i > 1 && digits[i - 1] == '0'; i--)
        token->zeros++;
    return MSP_OK;
}

static enum msp_result read_number(struct reader *reader)
{
    char digits[LONGEST_NUMBER + 2];
    size_t used = 0, start = reader->at;
    size_t at = skip_digits(reader, start);
    unsigned decimals = 0;
    struct msp_token *token = add(reader, MSP_TOKEN_NUMBER, start);

    for (size_t group; at - start <= 3 + 5 * 4 && (group = group_at(reader, at)) > 0;)
        at += group;
    keep_digits(reader, start, at, digits, &used);
    if (at + 1 < reader->length && (reader->text[at] == '.' || reader->text[at] == ',') &&
        isdigit((unsigned char)reader->text[at + 1])) {
        size_t behind = skip_digits(reader, at + 1);
        if (reader->text[at] != reader->lexicon->decimal)
            return refuse(reader, "text_number", token->start, behind - start,
                          reader->lexicon->decimal == '.'
                              ? "write decimals with a point and thousands with a comma."
                              : "write decimals with a comma and thousands with a space.");
        keep_digits(reader, at + 1, behind, digits, &used);
        decimals = (unsigned)(behind - at - 1 < 9 ? behind - at - 1 : 9);
        at = behind;
    }
    end(reader, token, at);
    size_t shown = token->length < sizeof token->word - 1 ? token->length : sizeof token->word - 1;
    memcpy(token->word, token->start, shown);
    return set_value(reader, token, digits, used, decimals);
}

static enum msp_result read_word(struct reader *reader)
{
    struct msp_token *token = add(reader, MSP_TOKEN_WORD, reader->at);
    size_t at = reader->at, used = 0, bytes;
    for (uint32_t c = peek(reader, at, &bytes);
         is_letter(c) || (c < 0x80 && c != 0 && isdigit((int)c)); c = peek(reader, at, &bytes)) {
        /* Letters of Latin-1 are the small ones less 0x20 in their last byte. */
        bool large = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde);
        if (at == reader->at)
            token->capital = large || c == 0x152;
        /* "3h20": a unit between digits is a word of its own. */
        if (isdigit((int)(c & 0x7f)) && c < 0x80 && token->glued && reader->count > 1 &&
            token[-1].kind == MSP_TOKEN_NUMBER)
            break;
        if (used + bytes >= sizeof token->word)
            return refuse(reader, "text_word", token->start, 20, "this word is too long.");
        memcpy(token->word + used, reader->text + at, bytes);
        if (large)
            token->word[used + bytes - 1] = (char)(token->word[used + bytes - 1] + 0x20);
        else if (c == 0x152)
            token->word[used + bytes - 1] = (char)0x93;
        used += bytes;
        at += bytes;
    }
    end(reader, token, at);
    return MSP_OK;
}

static bool is_address(const struct reader *reader)
{
    static const char *const signs[] = {"http:", "https:", "www.", "://", "mailto:"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t size = strlen(signs[i]);
        if (size <= reader->length - reader->at &&
            strncasecmp(reader->text + reader->at, signs[i], size) == 0)
            return true;
    }
    return false;
}

/* A full stop inside a word, as in "example.com". */
static bool is_dot_in_word(const struct reader *reader, uint32_t c)
{
    size_t bytes;
    const struct msp_token *last = reader->count == 0 ? NULL : &reader->tokens[reader->count - 1];
    return c == '.' && last != NULL && last->kind == MSP_TOKEN_WORD && last->length > 1 &&
           last->start + last->length == reader->text + reader->at &&
           is_letter(peek(reader, reader->at + 1, &bytes));
}

static enum msp_result read_mark(struct reader *reader, uint32_t c, size_t bytes)
{
    const char *mark = mark_of(c);
    if (is_dot_in_word(reader, c))
        return refuse(reader, "text_address", reader->text + reader->at, 10,
                      "addresses and file names have no place in a summary.");
    if (mark == NULL)
        return refuse(reader, "text_character", reader->text + reader->at, bytes,
                      "write plain sentences with ordinary letters, digits and punctuation; no "
                      "markup, symbols, look-alike or invisible characters.");
    struct msp_token *token = add(reader, MSP_TOKEN_MARK, reader->at);
    memcpy(token->word, mark, strlen(mark));
    end(reader, token, reader->at + bytes);
    return MSP_OK;
}

static enum msp_result read_line_end(struct reader *reader)
{
    bool first = reader->count == 0 || reader->tokens[reader->count - 1].kind == MSP_TOKEN_LINE;
    if (!first)
        end(reader, add(reader, MSP_TOKEN_LINE, reader->at), reader->at + 1);
    while (reader->at < reader->length && strchr("\r\n\t ", reader->text[reader->at]) != NULL)
        reader->at++;
    if (reader->at + 1 < reader->length && reader->text[reader->at] == '-')
        return refuse(reader, "text_markup", reader->text + reader->at, 2,
                      "write paragraphs of sentences, no lists.");
    return MSP_OK;
}

static enum msp_result read_one(struct reader *reader)
{
    size_t bytes;
    uint32_t c = peek(reader, reader->at, &bytes);
    bool inside =
        reader->count > 0 && reader->tokens[reader->count - 1].kind == MSP_TOKEN_WORD &&
        reader->tokens[reader->count - 1].start + reader->tokens[reader->count - 1].length ==
            reader->text + reader->at;
    if (bytes == 0)
        return refuse(reader, "text_character", "?", 1, "the text is not well-formed UTF-8.");
    if (c == '\n' || c == '\r')
        return read_line_end(reader);
    if (is_space(c)) {
        reader->at += bytes;
        return MSP_OK;
    }
    if (!inside && read_name(reader))
        return MSP_OK;
    if (is_address(reader))
        return refuse(reader, "text_address", reader->text + reader->at,
                      reader->length - reader->at < 20 ? reader->length - reader->at : 20,
                      "addresses have no place in a summary.");
    if (c == '[')
        return read_citation(reader);
    if (c < 0x80 && isdigit((int)c))
        return read_number(reader);
    if (is_letter(c))
        return read_word(reader);
    return read_mark(reader, c, bytes);
}

enum msp_result msp_text_tokens(const struct msp_facts *facts, const struct msp_lexicon *lexicon,
                                const char *text, size_t length, struct msp_arena *arena,
                                struct msp_token **out_tokens, size_t *out_count,
                                struct msp_error *error)
{
    struct reader reader = {
        .facts = facts, .lexicon = lexicon, .text = text, .length = length, .error = error};
    if (facts->count > MSP_FACTS_MAX)
        return msp_fail(error, MSP_INVALID, "text_facts", "There are too many facts.");
    /* One at the end is a line, so that every look ahead finds something. */
    reader.tokens = msp_arena_calloc(arena, length + 2, sizeof *reader.tokens);
    if (reader.tokens == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");
    note_citations(&reader);
    while (reader.at < reader.length) {
        enum msp_result result = read_one(&reader);
        if (result != MSP_OK)
            return result;
    }
    add(&reader, MSP_TOKEN_LINE, length);
    *out_tokens = reader.tokens;
    *out_count = reader.count;
    return MSP_OK;
}
