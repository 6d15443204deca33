/*
 * Reading what a caller sent, member by member and query name by query name. Every fault is
 * MSP_INVALID with the place it was found at; what is absent leaves *out as it was.
 */
#ifndef MSP_HTTP_INPUTS_H
#define MSP_HTTP_INPUTS_H

#include "../request.h"
#include "msp/db.h"

#include <jansson.h>

#define MSP_MICROSECONDS_A_DAY INT64_C(86400000000)

/* The JSON body as a new reference; a request without a body reads as {}. */
enum msp_result msp_input_body(const struct msp_request *request, json_t **out_body,
                               struct msp_error *error) MSP_MUST_CHECK;

/* Members of a JSON object. null counts as absent; texts are borrowed from the object. */
enum msp_result msp_input_text(const json_t *body, const char *name, const char **out,
                               struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_input_day(const json_t *body, const char *name, int32_t *out,
                              struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_input_bool(const json_t *body, const char *name, bool *out,
                               struct msp_error *error) MSP_MUST_CHECK;

/* Whether the object has the member with a value other than null. */
bool msp_input_has(const json_t *body, const char *name);

/* The fault of a query name; its pointer is "/" and the name. */
enum msp_result msp_query_fail(struct msp_error *error, const char *code, const char *name,
                               const char *format, ...) MSP_PRINTF(4, 5);

/* A required name that is a calendar day. */
enum msp_result msp_query_day(const struct msp_request *request, const char *name, int32_t *out,
                              struct msp_error *error) MSP_MUST_CHECK;

/* The required names `from` and `to`, inclusive, at most `max_days` apart. */
enum msp_result msp_query_days(const struct msp_request *request, int max_days, int32_t *out_from,
                               int32_t *out_to, struct msp_error *error) MSP_MUST_CHECK;

/* A name that is a whole number from `min` to `max`, neither below 0. */
enum msp_result msp_query_whole(const struct msp_request *request, const char *name, int min,
                                int max, int *out, struct msp_error *error) MSP_MUST_CHECK;

/* A name that is true or false. */
enum msp_result msp_query_bool(const struct msp_request *request, const char *name, bool *out,
                               struct msp_error *error) MSP_MUST_CHECK;

/* `limit`, 1 to `max`. */
enum msp_result msp_query_limit(const struct msp_request *request, int max, int *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * The active tenant of that slug. MSP_NOT_FOUND (tenant_unknown) or MSP_CONFLICT (tenant_disabled)
 * at `pointer`; MSP_UNAVAILABLE while no tenant was loaded yet.
 */
enum msp_result msp_input_tenant(const struct msp_request *request, const char *slug,
                                 const char *pointer, struct msp_tenant *out,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* Today in UTC, as a day since 1970. */
int32_t msp_input_today(void);

/* A connection of the worker's pool, waited for as long as the settings say; given back with
 * msp_pool_give. */
enum msp_result msp_input_database(const struct msp_request *request, struct msp_db **out,
                                   struct msp_error *error) MSP_MUST_CHECK;

#endif
