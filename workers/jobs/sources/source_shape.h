/*
 * Small pieces for sources whose rows need shaping before a table can map them: what a row does not
 * say by itself is added to it as an object of its own ("msp").
 */
#ifndef MSP_SOURCE_SHAPE_H
#define MSP_SOURCE_SHAPE_H

#include "sources/source_call.h"

/* Sets a member, taking the reference over; NULL leaves it out. What has no memory is left out
 * too: the ticket then lacks it until it changes again. */
void msp_source_put(json_t *object, const char *name, json_t *value);

/* A new reference to a borrowed value; NULL stays NULL. */
json_t *msp_source_share(const json_t *value);

/* Sets the row's "msp", taking the reference over. MSP_NO_MEMORY only. */
enum msp_result msp_source_add_shape(json_t *row, json_t *added,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* A new object of a list's objects by the digits of one of their integer members; NULL without
 * memory. Anything else in the list is left out. */
json_t *msp_source_index(const json_t *list, const char *member);

/* What msp_source_index has for an id; NULL if nothing, or if it is no integer. Borrowed. */
json_t *msp_source_indexed(const json_t *index, const json_t *id);

/* Gives the ids of rows to a sink, but of those that `is_gone` (NULL: none) says are no tickets any
 * more. A row without an id makes the whole answer malformed, since it might be taken for deleted.
 */
enum msp_result msp_source_sink_ids(const struct msp_source_session *session, const json_t *rows,
                                    bool (*is_gone)(const json_t *row), msp_source_id_sink *sink,
                                    void *context, struct msp_error *error) MSP_MUST_CHECK;

#endif
