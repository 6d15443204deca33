/* One sentence before the judge: its segments, what was spoken of before, and the verdicts. */
#ifndef MSP_JOBS_SUMMARIES_TEXT_JUDGE_H
#define MSP_JOBS_SUMMARIES_TEXT_JUDGE_H

#include "text_parts.h"

#define MSP_SENTENCE_SEGMENTS 24
#define MSP_SEGMENT_FACTS     24

/* The words up to a citation, and the facts it names. */
struct msp_segment {
    size_t first, behind; /* tokens */
    const struct msp_fact *facts[MSP_SEGMENT_FACTS];
    size_t count;
    uint32_t statistics; /* said by words and by "half of", "90% of" */
};

/* What a sentence leaves for the next one to lean on. */
struct msp_spoken_of {
    uint32_t metrics, statistics;
    const char *member;
};

struct msp_judge {
    const struct msp_facts *facts;
    enum msp_language language;
    struct msp_parts parts;
    struct msp_segment segments[MSP_SENTENCE_SEGMENTS];
    size_t segment_count;
    struct msp_spoken_of spoken;
    const char *member_here; /* the one last named in this sentence */
    struct msp_error *error;
};

/* Judges the sentence in `judge->parts`. MSP_INVALID with the reason. */
enum msp_result msp_judge_sentence(struct msp_judge *judge) MSP_MUST_CHECK;

/* The parts of the judgement, segment by segment. */
enum msp_result msp_judge_dates(struct msp_judge *judge,
                                const struct msp_segment *segment) MSP_MUST_CHECK;
enum msp_result msp_judge_quantities(struct msp_judge *judge,
                                     struct msp_segment *segment) MSP_MUST_CHECK;
enum msp_result msp_judge_periods(struct msp_judge *judge,
                                  const struct msp_segment *segment) MSP_MUST_CHECK;
enum msp_result msp_judge_topics(struct msp_judge *judge,
                                 const struct msp_segment *segment) MSP_MUST_CHECK;
enum msp_result msp_judge_order(struct msp_judge *judge,
                                const struct msp_segment *segment) MSP_MUST_CHECK;
enum msp_result msp_judge_directions(struct msp_judge *judge,
                                     const struct msp_segment *segment) MSP_MUST_CHECK;

/* Refuses the tokens [first, behind) with a reason that a model can act on. */
enum msp_result msp_judge_refuse(const struct msp_judge *judge, const char *code, size_t first,
                                 size_t behind, const char *why) MSP_MUST_CHECK;

/* The quantity is the fact's value at the rounding at which it is written. */
bool msp_fact_backs(const struct msp_fact *fact, const struct msp_quantity *q);

/* Of "from 110 to 120" or "de 110 à 120": 1 for the second number, -1 for the first, 0 for others.
 */
int msp_end_of_range(const struct msp_judge *judge, const struct msp_quantity *q);

bool msp_within(size_t at, size_t first, size_t behind);
bool msp_same_member(const char *one, const char *other);
bool msp_segment_says(const struct msp_judge *judge, const struct msp_segment *segment,
                      enum msp_mark_kind kind);
/* The member a mark or name token speaks of; NULL if it names none. */
const char *msp_member_of_token(const struct msp_token *token);
const char *msp_member_of_mark(const struct msp_judge *judge, const struct msp_mark *mark);

#endif
