/* Letters: nothing that is written can become a header, and everything reads back. */
#include "notifications/mail_message.h"

#include "msp/base64.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const one[] = {"ops@example.com", NULL};
static const char *const two[] = {"ops@example.com", "boss@example.org", NULL};

/* The message as a text; it lives until the next call. */
static const char *write_letter(const char *const *to, const char *subject, const char *text)
{
    static struct msp_buffer out;
    struct msp_mail_letter letter = {.id = "0b5c-1",
                                     .from = "msp@example.net",
                                     .to = to,
                                     .subject = subject,
                                     .text = text,
                                     .unix_seconds = 1709210096};
    msp_buffer_done(&out);
    msp_buffer_init(&out, 0);
    msp_mail_message_write(&letter, &out);
    cr_assert_not(out.failed);
    msp_buffer_append(&out, "", 1);
    return out.data;
}

/* The body read back from its base64. */
static const char *body_of(const char *message)
{
    static char out[8192];
    char joined[8192];
    size_t length = 0;
    size_t size = 0;
    for (const char *at = strstr(message, "\r\n\r\n") + 4; *at != '\0'; at++) {
        if (*at != '\r' && *at != '\n') {
            joined[length++] = *at;
        }
    }
    cr_assert(msp_base64_decode(joined, length, out, sizeof out - 1, &size));
    out[size] = '\0';
    return out;
}

static void check_lines(const char *message)
{
    for (const char *line = message; *line != '\0';) {
        size_t length = strcspn(line, "\r\n");
        cr_assert(length <= 76, "%.*s", (int)length, line);
        cr_assert(strncmp(line + length, "\r\n", 2) == 0);
        line += length + 2;
    }
}

Test(mail_message, writes_the_header_a_letter_needs)
{
    const char *message = write_letter(two, "Weekly figures", "All well.");
    cr_assert(strncmp(message, "Date: Thu, 29 Feb 2024 12:34:56 +0000\r\n", 39) == 0);
    cr_assert(strstr(message, "\r\nFrom: msp@example.net\r\n") != NULL);
    cr_assert(strstr(message, "\r\nTo: ops@example.com,\r\n boss@example.org\r\n") != NULL);
    cr_assert(strstr(message, "\r\nSubject: Weekly figures\r\n") != NULL);
    cr_assert(strstr(message, "\r\nMessage-ID: <0b5c-1@example.net>\r\n") != NULL);
    cr_assert(strstr(message, "\r\nMIME-Version: 1.0\r\n") != NULL);
    cr_assert(strstr(message, "\r\nContent-Transfer-Encoding: base64\r\n") != NULL);
    check_lines(message);
}

Test(mail_message, carries_any_text_with_lines_ended_by_crlf)
{
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_str_eq(body_of(write_letter(one, "s", "é\nb\r\n\n.\nBcc: a@b")),
                     "é\r\nb\r\n\r\n.\r\nBcc: a@b\r\n");
    cr_assert_str_eq(body_of(write_letter(one, "s", "a\nb\n")), "a\r\nb\r\n");
    cr_assert_str_eq(body_of(write_letter(one, "s", "")), "\r\n");
    cr_assert_eq(strlen(body_of(write_letter(one, "s", text))), strlen(text) + 2);
    check_lines(write_letter(one, "s", text));
}

Test(mail_message, encodes_a_subject_that_is_not_plain_and_cuts_no_character)
{
    const char *message = write_letter(one, "Grüße", "t");
    cr_assert(strstr(message, "\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n") != NULL, "%s", message);
    message = write_letter(one,
                           "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
                           "ééééééééééééééééééééééé",
                           "t");
    check_lines(message);
    for (const char *word = strstr(message, "?B?"); word != NULL; word = strstr(word + 1, "?B?")) {
        char bytes[64];
        size_t size = 0;
        size_t length = strcspn(word + 3, "?");
        cr_assert(msp_base64_decode(word + 3, length, bytes, sizeof bytes, &size));
        cr_assert(size % 2 == 0 && size > 0, "a character was cut in two");
    }
}

Test(mail_message, lets_no_subject_become_a_header)
{
    static const char *const subjects[] = {"a\r\nBcc: x@y.z", "a\nBcc: x@y.z", "a\rBcc: x@y.z",
                                           "=?UTF-8?B?DQpCY2M6IHhAeS56?="};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        const char *message = write_letter(one, subjects[i], "t");
        cr_assert(strstr(message, "Bcc") == NULL);
        cr_assert(strstr(message, "\r\nSubject: =?UTF-8?B?") != NULL);
        check_lines(message);
    }
}
