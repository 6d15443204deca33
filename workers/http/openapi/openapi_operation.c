/* One route as an operation of OpenAPI. It reads its row and its entry; it knows no route by name.
 */
#include "openapi_parts.h"

#include "../answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MEDIA    "application/json"
#define PROBLEM_MEDIA "application/problem+json"

json_t *msp_openapi_reference(const char *kind, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

/* What was made, or NULL where a part of it failed. */
static json_t *whole(json_t *made, int failed)
{
    if (failed == 0)
        return made;
    json_decref(made);
    return NULL;
}

static bool lists(const json_t *names, const char *name)
{
    size_t at;
    const json_t *one;
    json_array_foreach(names, at, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* ---- which problems a row explains ---- */

static bool always(const struct msp_route *route, const json_t *entry)
{
    (void)route;
    (void)entry;
    return true;
}

static bool never(const struct msp_route *route, const json_t *entry)
{
    (void)route;
    (void)entry;
    return false;
}

static bool is_guarded(const struct msp_route *route, const json_t *entry)
{
    (void)entry;
    return route->credential != MSP_CREDENTIAL_NONE;
}

static bool names_a_thing(const struct msp_route *route, const json_t *entry)
{
    (void)entry;
    return strchr(route->path, '{') != NULL || route->tenant_rule == MSP_TENANT_OF_CALLER;
}

static bool has_body(const struct msp_route *route, const json_t *entry)
{
    (void)entry;
    return route->has_body;
}

static bool takes_key(const struct msp_route *route, const json_t *entry)
{
    (void)route;
    return lists(json_object_get(entry, "parameters"), "IdempotencyKey");
}

/* The statuses of problems, what each says, and which routes answer it; the others by their entry
 * alone. */
static const struct problem {
    int status;
    bool (*applies)(const struct msp_route *route, const json_t *entry);
    const char *description;
    const char *field; /* of this answer besides those of every one, or NULL */
} problems[] = {
    {400, always, "The request is malformed; `errors` points at the member or query name.", NULL},
    {401, is_guarded, "There is no credential, or not a good one.", "WWW-Authenticate"},
    {403, is_guarded, "Whoever it is may not do this, or not from there.", NULL},
    {404, names_a_thing,
     "There is nothing of that name; what is another tenant's is answered the same.", NULL},
    {409, takes_key,
     "The request does not fit what is stored, or another under its Idempotency-Key is at work.",
     NULL},
    {413, has_body, "The body is longer than this address takes.", NULL},
    {415, has_body, "The body is of a media type that this address does not take.", NULL},
    {416, never, "The file ends before the range that was asked for.", "Content-Range"},
    {422, takes_key, "The Idempotency-Key came before with another request.", NULL},
    {429, is_guarded, "Too many requests, or too many wrong credentials from this address.",
     "Retry-After"},
    {502, never, "The ticket source failed, or sent what cannot be read.", NULL},
    {503, always, "Something the server depends on does not answer, or its capacity is used up.",
     "Retry-After"},
};

/* What else a connection can come to: too slow, too long a head, a fault of ours. */
static const struct problem any_other = {0, never, "Any other failure.", NULL};

static bool is_listed(const json_t *statuses, int status)
{
    size_t at;
    const json_t *one;
    json_array_foreach(statuses, at, one)
    {
        if (json_integer_value(one) == status)
            return true;
    }
    return false;
}

static json_t *problem_name(const struct problem *problem)
{
    return problem->status == 0 ? json_string("Problem")
                                : json_sprintf("Problem%d", problem->status);
}

/* ---- answers ---- */

static int add_field(json_t *fields, const char *name)
{
    return json_object_set_new(fields, name, msp_openapi_reference("headers", name));
}

static int add_rate_fields(json_t *fields)
{
    return add_field(fields, "RateLimit") != 0 ? -1 : add_field(fields, "RateLimit-Policy");
}

static json_t *content_of(const char *media, const char *schema)
{
    return json_pack("{s:{s:o}}", media, "schema", msp_openapi_reference("schemas", schema));
}

static json_t *problem_response(const struct problem *problem)
{
    json_t *fields = json_object();
    int failed = add_field(fields, "X-Request-Id");
    if (problem->field != NULL)
        failed |= add_field(fields, problem->field);
    if (problem->status != 401)
        failed |= add_rate_fields(fields);
    json_t *response = json_pack("{s:s, s:o, s:o}", "description", problem->description, "headers",
                                 fields, "content", content_of(PROBLEM_MEDIA, "Problem"));
    return whole(response, failed);
}

static int add_problem(json_t *responses, const struct problem *problem)
{
    json_t *name = problem_name(problem);
    int failed = name == NULL ? -1
                              : json_object_set_new(responses, json_string_value(name),
                                                    problem_response(problem));
    json_decref(name);
    return failed;
}

json_t *msp_openapi_problems(void)
{
    json_t *responses = json_object();
    int failed = add_problem(responses, &any_other);
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        failed |= add_problem(responses, &problems[i]);
    return whole(responses, failed);
}

static int refer_to_problem(json_t *responses, const struct problem *problem)
{
    json_t *name = problem_name(problem);
    json_t *status =
        problem->status == 0 ? json_string("default") : json_sprintf("%d", problem->status);
    int failed =
        name == NULL || status == NULL
            ? -1
            : json_object_set_new(responses, json_string_value(status),
                                  msp_openapi_reference("responses", json_string_value(name)));
    json_decref(name);
    json_decref(status);
    return failed;
}

/* Those its entry describes itself stay as they are. */
static int add_problems(json_t *responses, const struct msp_route *route, const json_t *entry)
{
    const json_t *more = json_object_get(entry, "problems");
    const json_t *answers = json_object_get(entry, "answers");
    int failed = 0;
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        const struct problem *problem = &problems[i];
        char status[8];
        (void)snprintf(status, sizeof status, "%d", problem->status);
        if (json_object_get(answers, status) == NULL &&
            (problem->applies(route, entry) || is_listed(more, problem->status)))
            failed |= refer_to_problem(responses, problem);
    }
    return failed | refer_to_problem(responses, &any_other);
}

static json_t *fields_of_answer(const struct msp_route *route, const json_t *entry,
                                const json_t *answer)
{
    json_t *fields = json_object();
    int failed = add_field(fields, "X-Request-Id");
    if (strncmp(route->path, "/v1/", 4) == 0 && route->credential != MSP_CREDENTIAL_NONE)
        failed |= add_field(fields, "Server-Timing");
    size_t at;
    const json_t *name;
    json_array_foreach(json_object_get(answer, "headers"), at, name)
    {
        failed |= add_field(fields, json_string_value(name));
    }
    if (route->answer_rule != MSP_ANSWER_SENT)
        failed |= add_field(fields, "ETag") | add_field(fields, "Content-Encoding");
    if (takes_key(route, entry))
        failed |= add_field(fields, "Idempotent-Replayed");
    if (route->limit_class != MSP_LIMIT_NONE)
        failed |= add_rate_fields(fields);
    return whole(fields, failed);
}

/* Media types that have no schema: what is in them is not JSON. */
static json_t *plain_content(const json_t *media)
{
    json_t *content = json_object();
    size_t at;
    const json_t *one;
    int failed = 0;
    json_array_foreach(media, at, one)
    {
        failed |= json_object_set_new(content, json_string_value(one), json_object());
    }
    return whole(content, failed);
}

static json_t *content_of_answer(const json_t *answer)
{
    const json_t *media = json_object_get(answer, "media");
    const char *schema = json_string_value(json_object_get(answer, "schema"));
    if (json_is_string(answer))
        return content_of(JSON_MEDIA, json_string_value(answer));
    if (json_is_array(media))
        return plain_content(media);
    return content_of(media != NULL ? json_string_value(media) : JSON_MEDIA, schema);
}

static bool has_content(const json_t *answer)
{
    return json_is_string(answer) || json_object_get(answer, "schema") != NULL ||
           json_object_get(answer, "media") != NULL;
}

static json_t *answer_response(const struct msp_route *route, const json_t *entry, int status,
                               const json_t *answer)
{
    const char *description = json_string_value(json_object_get(answer, "description"));
    json_t *response = json_pack("{s:s, s:o}", "description",
                                 description != NULL ? description : msp_status_phrase(status),
                                 "headers", fields_of_answer(route, entry, answer));
    int failed = has_content(answer)
                     ? json_object_set_new(response, "content", content_of_answer(answer))
                     : 0;
    return whole(response, failed);
}

static int add_not_modified(json_t *responses, const struct msp_route *route, const json_t *entry)
{
    json_t *answer = json_pack("{s:s}", "description", "The copy at hand is still right.");
    int failed = json_object_set_new(responses, "304", answer_response(route, entry, 304, answer));
    json_decref(answer);
    return failed;
}

static json_t *responses_of(const struct msp_route *route, const json_t *entry)
{
    json_t *responses = json_object();
    /* jansson's iterator takes a mutable object but changes nothing in it. */
    json_t *answers = (json_t *)(uintptr_t)json_object_get(entry, "answers");
    const char *status;
    json_t *answer;
    int failed = 0;
    json_object_foreach(answers, status, answer)
    {
        int number = (int)strtol(status, NULL, 10);
        failed |=
            json_object_set_new(responses, status, answer_response(route, entry, number, answer));
    }
    if (route->answer_rule != MSP_ANSWER_SENT)
        failed |= add_not_modified(responses, route, entry);
    failed |= add_problems(responses, route, entry);
    return whole(responses, failed);
}

/* ---- who may call, and with what ---- */

static json_t *security_of(const struct msp_route *route)
{
    if (route->credential == MSP_CREDENTIAL_SERVICE)
        return json_pack("[{s:[]}]", "service");
    if (route->credential == MSP_CREDENTIAL_PERSON)
        return json_pack("[{s:[]}, {s:[]}, {s:[]}, {s:[]}]", "token", "session", "key", "basic");
    return json_array();
}

/* NULL where roles play no part. */
static json_t *roles_of(const struct msp_route *route)
{
    if (route->credential != MSP_CREDENTIAL_PERSON)
        return NULL;
    json_t *roles = json_array();
    for (unsigned role = MSP_ROLE_ADMIN; role <= MSP_ROLE_CLIENT; role <<= 1)
        if ((route->roles & role) != 0)
            (void)json_array_append_new(roles, json_string(msp_role_name((enum msp_role)role)));
    return roles;
}

static json_t *parameters_of(const struct msp_route *route, const json_t *entry)
{
    json_t *parameters = json_array();
    size_t at;
    const json_t *name;
    int failed = 0;
    json_array_foreach(json_object_get(entry, "parameters"), at, name)
    {
        failed |= json_array_append_new(
            parameters, msp_openapi_reference("parameters", json_string_value(name)));
    }
    if (route->tenant_rule == MSP_TENANT_OF_CALLER)
        failed |= json_array_append_new(parameters, msp_openapi_reference("parameters", "Tenant"));
    if (route->answer_rule != MSP_ANSWER_SENT)
        failed |=
            json_array_append_new(parameters, msp_openapi_reference("parameters", "IfNoneMatch"));
    return whole(parameters, failed);
}

/* NULL where none is taken. A body whose schema requires nothing may be left out. */
static json_t *body_of(const json_t *entry, const json_t *schemas)
{
    const json_t *body = json_object_get(entry, "body");
    if (!json_is_string(body))
        return json_deep_copy(body);
    const char *schema = json_string_value(body);
    const json_t *required = json_object_get(json_object_get(schemas, schema), "required");
    return json_pack("{s:b, s:o}", "required", json_array_size(required) > 0, "content",
                     content_of(JSON_MEDIA, schema));
}

json_t *msp_openapi_operation(const struct msp_route *route, const json_t *entry,
                              const json_t *schemas)
{
    const char *limit_class =
        route->limit_class != MSP_LIMIT_NONE ? msp_limit_class_name(route->limit_class) : NULL;
    return json_pack("{s:O, s:[O], s:O, s:O*, s:o, s:o*, s:s*, s:o, s:o*, s:o}", "operationId",
                     json_object_get(entry, "id"), "tags", json_object_get(entry, "tag"), "summary",
                     json_object_get(entry, "summary"), "description",
                     json_object_get(entry, "description"), "security", security_of(route),
                     "x-roles", roles_of(route), "x-limit-class", limit_class, "parameters",
                     parameters_of(route, entry), "requestBody", body_of(entry, schemas),
                     "responses", responses_of(route, entry));
}
