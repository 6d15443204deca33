/* Writes letters. Judges no address and sends nothing. */
#include "notifications/mail_message.h"

#include "msp/base64.h"
#include "msp/utf8.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* With "Subject: =?UTF-8?B?" and "?=" around them, 39 bytes make a line of 73; RFC 2047 allows 76.
 */
#define ENCODED_WORD_BYTES 39
#define PLAIN_SUBJECT_MOST 67 /* "Subject: " before it makes 76 */
/* 76 characters of base64, as RFC 2045 has it. */
#define BODY_LINE_BYTES 57

static bool is_plain(const char *subject)
{
    size_t length = strlen(subject);
    for (size_t i = 0; i < length; i++) {
        if (subject[i] < 0x20 || subject[i] >= 0x7f) {
            return false;
        }
    }
    /* What looks like an encoded word would be read as one. */
    return length <= PLAIN_SUBJECT_MOST && strstr(subject, "=?") == NULL;
}

static void append_base64(struct msp_buffer *out, const char *bytes, size_t size)
{
    char *to = msp_buffer_reserve(out, MSP_BASE64_TEXT_BYTES(size));
    if (to != NULL) {
        out->length += msp_base64_encode(bytes, size, to);
    }
}

static void write_subject(const char *subject, struct msp_buffer *out)
{
    msp_buffer_append_text(out, "Subject: ");
    if (is_plain(subject)) {
        msp_buffer_append_text(out, subject);
        msp_buffer_append_text(out, "\r\n");
        return;
    }
    for (size_t left = strlen(subject); left > 0;) {
        size_t taken = msp_utf8_prefix_bytes(subject, left, ENCODED_WORD_BYTES);
        msp_buffer_append_text(out, "=?UTF-8?B?");
        append_base64(out, subject, taken);
        subject += taken;
        left -= taken;
        msp_buffer_append_text(out, left > 0 ? "?=\r\n " : "?=\r\n");
    }
}

static void write_receivers(const char *const *to, struct msp_buffer *out)
{
    msp_buffer_append_text(out, "To: ");
    for (; *to != NULL; to++) {
        msp_buffer_printf(out, "%s%s", *to, to[1] != NULL ? ",\r\n " : "\r\n");
    }
}

static void write_date(int64_t unix_seconds, struct msp_buffer *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)unix_seconds;
    struct tm date;
    (void)gmtime_r(&seconds, &date);
    msp_buffer_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n",
                      days + (size_t)3 * (size_t)date.tm_wday, date.tm_mday,
                      months + (size_t)3 * (size_t)date.tm_mon, date.tm_year + 1900, date.tm_hour,
                      date.tm_min, date.tm_sec);
}

/* The text with every line ended by CRLF, since base64 hides line ends from who might mend them. */
static void append_lines(const char *text, struct msp_buffer *out)
{
    do {
        size_t length = strcspn(text, "\r\n");
        msp_buffer_append(out, text, length);
        msp_buffer_append_text(out, "\r\n");
        text += length;
        text += text[0] == '\r' && text[1] == '\n' ? 2 : text[0] != '\0' ? 1 : 0;
    } while (*text != '\0');
}

static void write_body(const char *text, struct msp_buffer *out)
{
    struct msp_buffer lines;
    msp_buffer_init(&lines, 0);
    append_lines(text, &lines);
    out->failed = out->failed || lines.failed;
    for (size_t at = 0; at < lines.length && !lines.failed; at += BODY_LINE_BYTES) {
        size_t left = lines.length - at;
        append_base64(out, lines.data + at, left < BODY_LINE_BYTES ? left : BODY_LINE_BYTES);
        msp_buffer_append_text(out, "\r\n");
    }
    msp_buffer_done(&lines);
}

void msp_mail_message_write(const struct msp_mail_letter *letter, struct msp_buffer *out)
{
    const char *domain = strchr(letter->from, '@');
    write_date(letter->unix_seconds, out);
    msp_buffer_printf(out, "From: %s\r\n", letter->from);
    write_receivers(letter->to, out);
    write_subject(letter->subject, out);
    msp_buffer_printf(out, "Message-ID: <%s%s>\r\n", letter->id, domain != NULL ? domain : "@");
    msp_buffer_append_text(out, "MIME-Version: 1.0\r\n"
                                "Content-Type: text/plain; charset=utf-8\r\n"
                                "Content-Transfer-Encoding: base64\r\n"
                                "Auto-Submitted: auto-generated\r\n"
                                "\r\n");
    write_body(letter->text, out);
}
