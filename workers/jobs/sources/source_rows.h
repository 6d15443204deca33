/*
 * What sources do alike with the rows of an answer: find them, read their ids, and put names in the
 * place of ids.
 */
#ifndef MSP_SOURCE_ROWS_H
#define MSP_SOURCE_ROWS_H

#include "sources/source_call.h"
#include "sources/source_map.h"

/* The list in a member of the answer ("" = the answer itself), borrowed; MSP_BROKEN
 * "source_answer_malformed" if there is none. */
enum msp_result msp_source_rows(const struct msp_source_session *session, json_t *answer,
                                const char *member, json_t **out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* A row's id as a number, from an integer or its digits; -1 if it is neither. */
int64_t msp_source_row_id(const json_t *row, const char *path);

/* Gives the sink the id of every row. MSP_BROKEN for a row without one: its ticket would be taken
 * for deleted. */
enum msp_result msp_source_sink_rows(const json_t *rows, const char *path, msp_source_id_sink *sink,
                                     void *context, struct msp_error *error) MSP_MUST_CHECK;

/* Adds to `names` (an object) each row's name under its id. Rows that lack either are left out. */
enum msp_result msp_source_names_add(json_t *names, const json_t *rows, const char *id_path,
                                     const char *name_path, struct msp_error *error) MSP_MUST_CHECK;

/* Puts the name of the id that stands there in its place; an id that has none stays. */
enum msp_result msp_source_name(json_t *row, const char *member, const json_t *names,
                                struct msp_error *error) MSP_MUST_CHECK;

/* Whether the source refused the question rather than failing to answer it: what is only nice to
 * have, such as names, may then be missing. */
bool msp_source_is_refusal(enum msp_result result);

#define MSP_SOURCE_WALL_BYTES 24

/*
 * A moment as the clocks of a zone show it ("2026-11-22 10:04:05", with `between` for the blank),
 * for a question about what came since. Where clocks go back within the hour behind it, an hour
 * less: what comes when they show the same again must not be missed. NULL is UTC.
 */
void msp_source_wall_since(const struct msp_local_zone *zone, int64_t unix_us, char between,
                           char out[MSP_SOURCE_WALL_BYTES]);

/*
 * Writes a change's wall time as the moment it means. Of an hour that clocks show twice it is the
 * second, unless that is still to come: a ticket that changed in both must look newer for it, or
 * its second change would be passed over.
 */
enum msp_result msp_source_settle_change(const struct msp_local_zone *zone, json_t *row,
                                         const char *member,
                                         struct msp_error *error) MSP_MUST_CHECK;

#endif
