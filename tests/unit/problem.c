/* Problems: the shape of RFC 9457, and nothing in them that is not the caller's to know. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "answer.h"
#include "request.h"

static struct msp_request request = {.id = "0123456789abcdef0123456789abcdef", .path = "/v1/x"};
static struct msp_response response;

static json_t *body(void)
{
    json_t *json = json_loadb(response.body.data, response.body.length, 0, NULL);
    cr_assert_not_null(json);
    return json;
}

static const char *text(const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    return value != NULL ? value : "";
}

static bool has_header(const char *line)
{
    return response.headers.data != NULL &&
           memmem(response.headers.data, response.headers.length, line, strlen(line)) != NULL;
}

static int from_error(enum msp_result result, const char *code, const char *pointer)
{
    struct msp_error error;
    (void)msp_fail_at(&error, result, code, pointer, "inner words");
    return msp_problem_from_error(&request, &response, &error);
}

Test(problem, has_every_member_of_the_contract)
{
    struct msp_error member;
    (void)msp_fail_at(&member, MSP_INVALID, "x", "/a/0", "must be \"b\"");
    cr_assert_eq(msp_problem(&request, &response, 400, "bad_a", "Mend a.", &member), 400);
    cr_assert_str_eq(response.content_type, "application/problem+json");
    json_t *json = body();
    cr_assert_str_eq(text(json, "type"), "about:blank");
    cr_assert_str_eq(text(json, "title"), "Bad Request");
    cr_assert_eq(json_integer_value(json_object_get(json, "status")), 400);
    cr_assert_str_eq(text(json, "detail"), "Mend a.");
    cr_assert_str_eq(text(json, "instance"), "/v1/x");
    cr_assert_str_eq(text(json, "code"), "bad_a");
    cr_assert_str_eq(text(json, "request_id"), request.id);
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    cr_assert_str_eq(text(first, "pointer"), "/a/0");
    cr_assert_str_eq(text(first, "detail"), "must be \"b\"");
    json_decref(json);
}

Test(problem, maps_every_result_to_a_status)
{
    static const struct {
        enum msp_result result;
        int status;
    } pairs[] = {{MSP_INVALID, 400},   {MSP_UNAUTHORISED, 401}, {MSP_FORBIDDEN, 403},
                 {MSP_NOT_FOUND, 404}, {MSP_CONFLICT, 409},     {MSP_TOO_LARGE, 413},
                 {MSP_BUSY, 503},      {MSP_UNAVAILABLE, 503},  {MSP_TIMED_OUT, 503},
                 {MSP_CANCELLED, 503}, {MSP_NO_MEMORY, 503},    {MSP_BROKEN, 500}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        cr_assert_eq(from_error(pairs[i].result, "code", ""), pairs[i].status);
        cr_assert_eq(has_header("Retry-After: "), pairs[i].status == 503);
        cr_assert_eq(has_header("WWW-Authenticate: Bearer\r\n"), pairs[i].status == 401);
    }
}

Test(problem, tells_a_slow_client_that_it_was_slow)
{
    cr_assert_eq(from_error(MSP_TIMED_OUT, "body_too_slow", ""), 408);
}

Test(problem, keeps_the_words_of_the_database_to_itself)
{
    static const struct {
        enum msp_result result;
        const char *code;
    } inner[] = {{MSP_INVALID, "sql_22P02"},
                 {MSP_CONFLICT, "sql_23505"},
                 {MSP_FORBIDDEN, "sql_42501"},
                 {MSP_UNAVAILABLE, "sql_57P01"},
                 {MSP_BROKEN, "sql_42P01"}};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        (void)from_error(inner[i].result, inner[i].code, "/x");
        cr_assert_null(memmem(response.body.data, response.body.length, "inner words", 11));
        cr_assert_null(memmem(response.body.data, response.body.length, "sql_", 4));
    }
    (void)from_error(MSP_INVALID, "sql_MS001", "");
    cr_assert_not_null(memmem(response.body.data, response.body.length, "inner words", 11));
}

Test(problem, starts_over_what_a_handler_had_begun)
{
    msp_buffer_append_text(&response.body, "half an answer");
    msp_response_header(&response, "ETag", "\"%d\"", 1);
    (void)msp_problem(&request, &response, 404, "gone", "Gone.", NULL);
    cr_assert_not(has_header("ETag"));
    json_decref(body());
}

Test(answer, has_the_fields_of_every_answer)
{
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    response.content_type = "text/plain";
    msp_buffer_append_text(&response.body, "12345");
    const struct msp_answer_head head = {200, "id", "a date", MSP_ANSWER_CLOSE};
    msp_answer_write_head(&head, &response, &out);
    msp_buffer_append(&out, "", 1);
    cr_assert_str_eq(
        out.data, "HTTP/1.1 200 OK\r\nDate: a date\r\nContent-Type: text/plain\r\n"
                  "Content-Length: 5\r\nVary: Authorization, Cookie, X-API-Key\r\n"
                  "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                  "CDN-Cache-Control: no-store\r\nX-Request-Id: id\r\nConnection: close\r\n\r\n");
    msp_buffer_done(&out);
}

Test(answer, says_nothing_about_the_body_of_a_304)
{
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    const struct msp_answer_head head = {304, "id", "a date", MSP_ANSWER_KEEP};
    response.content_type = NULL;
    msp_answer_write_head(&head, &response, &out);
    msp_buffer_append(&out, "", 1);
    cr_assert_null(strstr(out.data, "Content-Length"));
    msp_buffer_done(&out);
}
