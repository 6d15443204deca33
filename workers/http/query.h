/*
 * Percent-encoded text as it stands in paths and queries. Decodes once, strictly: a broken escape,
 * an encoded NUL or control character and bytes that are not UTF-8 are refused. Pure but for the
 * arena.
 */
#ifndef MSP_HTTP_QUERY_H
#define MSP_HTTP_QUERY_H

#include "request.h"

/* One path segment decoded; an encoded slash is refused. MSP_INVALID or MSP_NO_MEMORY. */
enum msp_result msp_path_decode(const char *text, size_t length, struct msp_arena *arena,
                                const char **out, struct msp_error *error) MSP_MUST_CHECK;

/*
 * Names and values of a query ("+" is a space); NULL is an empty one. `out` has room for
 * MSP_MAX_QUERY_NAMES. MSP_INVALID for more of them, a name twice, or what cannot be decoded.
 */
enum msp_result msp_query_parse(const char *query, struct msp_arena *arena,
                                struct msp_query_pair *out, size_t *out_count,
                                struct msp_error *error) MSP_MUST_CHECK;

#endif
