/*
 * A body of lines is cut the same wherever the network cuts it. The body and the sink are played by
 * this file, so that what reaches the sink can be seen without a server and a database.
 */
#include "workers/http/handlers/ingest_lines.h"
#include "workers/http/body.h"

#include "msp/json_reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* What the client sends, and in pieces of which size. */
static const char *body;
static size_t body_left;
static size_t piece;
static bool breaks_off;

enum msp_result msp_body_read(const struct msp_request *request, char *buffer, size_t capacity,
                              size_t *out_size, struct msp_error *error)
{
    size_t size = body_left < piece ? body_left : piece;

    (void)request;
    if (size == 0 && breaks_off)
        return msp_fail(error, MSP_INVALID, "body_broken", "The body broke off.");
    if (size > capacity)
        size = capacity;
    memcpy(buffer, body, size);
    body += size;
    body_left -= size;
    *out_size = size;
    return MSP_OK;
}

/* What reached the sink: "T" and the external_id, or "R", the code and the length of the payload.
 */
static char seen[4096];

static void note(const char *text)
{
    size_t length = strlen(seen);

    snprintf(seen + length, sizeof seen - length, "%s;", text);
}

enum msp_result msp_ingest_sink_take_line(struct msp_ingest_sink *sink, const char *line,
                                          size_t length, bool *out_refused,
                                          struct msp_error *reason, struct msp_error *error)
{
    static const struct msp_json_limits limits = {MSP_INGEST_LINE_BYTES, 8, 20000};
    char text[256];
    json_t *value;

    (void)sink, (void)error;
    *out_refused = msp_json_parse(line, length, &limits, &value, reason) != MSP_OK;
    if (*out_refused)
        return MSP_OK;
    snprintf(text, sizeof text, "T %s", json_string_value(json_object_get(value, "external_id")));
    note(text);
    json_decref(value);
    return MSP_OK;
}

static char last_detail[512];

enum msp_result msp_ingest_sink_reject(struct msp_ingest_sink *sink, const struct msp_error *reason,
                                       const char *payload, size_t payload_length,
                                       struct msp_error *error)
{
    char text[128];

    (void)sink, (void)payload, (void)error;
    snprintf(last_detail, sizeof last_detail, "%s", reason->detail);
    snprintf(text, sizeof text, "R %s %zu", reason->code, payload_length);
    note(text);
    return MSP_OK;
}

static enum msp_result read_body(const char *text, size_t length, size_t piece_bytes,
                                 struct msp_ingest_reading *reading)
{
    struct msp_request request = {.arena = msp_arena_new(4096)};
    struct msp_ingest_sink sink = {.request = &request};
    struct msp_error error;
    enum msp_result result;

    body = text;
    body_left = length;
    piece = piece_bytes;
    seen[0] = '\0';
    result = msp_ingest_lines_read(&request, &sink, reading, &error);
    msp_arena_free(request.arena);
    return result;
}

Test(ingest_lines, lines_are_the_same_wherever_the_network_cuts)
{
    static const char text[] = "{\"external_id\":\"a\"}\n"
                               "\r\n  \n"
                               "{\"external_id\":\"b\"}\r\n"
                               "{\"external_id\":\n"
                               "\n"
                               "{\"external_id\":\"c\"}";

    for (size_t size = 1; size <= sizeof text; size++) {
        struct msp_ingest_reading reading;

        cr_assert_eq(read_body(text, sizeof text - 1, size, &reading), MSP_OK);
        cr_assert_str_eq(seen, "T a;T b;R json_malformed 15;T c;", "in pieces of %zu", size);
        cr_assert_eq(reading.lines, 7);
    }
}

Test(ingest_lines, a_body_of_nothing_is_no_ticket)
{
    struct msp_ingest_reading reading;

    cr_assert_eq(read_body("", 0, 10, &reading), MSP_OK);
    cr_assert_str_eq(seen, "");
    cr_assert_eq(read_body("\n\n", 2, 10, &reading), MSP_OK);
    cr_assert_str_eq(seen, "");
}

/* "{"external_id":"x","title":"aaa…"}" of exactly `length` bytes, then a short line. */
static size_t long_line(char *out, size_t length)
{
    static const char head[] = "{\"external_id\":\"x\",\"title\":\"";
    static const char tail[] = "\n{\"external_id\":\"after\"}\n";

    memset(out, 'a', length);
    memcpy(out, head, sizeof head - 1);
    memcpy(out + length - 2, "\"}", 2);
    memcpy(out + length, tail, sizeof tail - 1);
    return length + sizeof tail - 1;
}

Test(ingest_lines, a_line_over_the_limit_is_refused_alone_and_its_beginning_kept)
{
    static char text[2 * 1024 * 1024];
    static const size_t lengths[] = {MSP_INGEST_LINE_BYTES + 1, MSP_INGEST_LINE_BYTES + 65536,
                                     1500000};
    static const size_t pieces[] = {1000, 65536, 65537};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = long_line(text, lengths[i]);

        for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
            struct msp_ingest_reading reading;

            cr_assert_eq(read_body(text, length, pieces[j], &reading), MSP_OK);
            cr_assert_str_eq(seen, "R line_too_long 8192;T after;");
            cr_assert_eq(reading.lines, 2);
        }
    }
}

Test(ingest_lines, a_line_of_just_the_limit_is_taken)
{
    static char text[2 * 1024 * 1024];
    size_t length = long_line(text, MSP_INGEST_LINE_BYTES);
    struct msp_ingest_reading reading;

    cr_assert_eq(read_body(text, length, 65536, &reading), MSP_OK);
    cr_assert_str_eq(seen, "T x;T after;");
}

Test(ingest_lines, an_endless_line_at_the_end_is_refused_once)
{
    static char text[2 * 1024 * 1024];
    struct msp_ingest_reading reading;

    memset(text, 'x', sizeof text);
    cr_assert_eq(read_body(text, sizeof text, 65536, &reading), MSP_OK);
    cr_assert_str_eq(seen, "R line_too_long 8192;");
}

Test(ingest_lines, a_reject_says_which_line_it_was)
{
    static const char text[] = "{\"external_id\":\"a\"}\n\nnonsense\n";
    struct msp_ingest_reading reading;

    cr_assert_eq(read_body(text, sizeof text - 1, 7, &reading), MSP_OK);
    cr_assert_eq(strncmp(last_detail, "Line 3: ", 8), 0, "%s", last_detail);
}

Test(ingest_lines, of_a_body_that_breaks_off_only_whole_lines_count)
{
    static const char text[] = "{\"external_id\":\"a\"}\n{\"external_id\":\"b\"}";
    struct msp_ingest_reading reading;

    breaks_off = true;
    cr_assert_eq(read_body(text, sizeof text - 1, 9, &reading), MSP_INVALID);
    cr_assert(reading.body_failed);
    cr_assert_str_eq(seen, "T a;");
}

Test(ingest_lines, what_is_no_json_is_refused_not_the_stream)
{
    static const char text[] = "\"text\"\n[[[[[[[[[1]]]]]]]]]\n{\"a\":1,\"a\":2}\n\xFF\n"
                               "{\"external_id\":\"ok\"}\n";
    struct msp_ingest_reading reading;

    cr_assert_eq(read_body(text, sizeof text - 1, 4, &reading), MSP_OK);
    cr_assert_str_eq(seen, "R json_malformed 6;R json_too_deep 19;R json_duplicate_member 13;"
                           "R json_malformed 1;T ok;");
}
