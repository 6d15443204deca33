/* "counted_us:digest:external_id", where the digest is of the question and the place. */
#include "ticket_cursor.h"

#include "msp/buffer.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_TEXT_BYTES 17 /* 64 bits of the digest in hex and a NUL */

/* With its NUL, so that no two questions run together; an absent text is not an empty one. */
static void add_text(struct msp_buffer *out, const char *text)
{
    if (text != NULL)
        msp_buffer_append(out, text, strlen(text) + 1);
    else
        msp_buffer_append(out, "\xff", 1);
}

static void digest_place(int64_t tenant_id, const struct msp_drill_down *question,
                         int64_t counted_us, const char *external_id, char out[DIGEST_TEXT_BYTES])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    struct msp_buffer asked;

    msp_buffer_init(&asked, 0);
    msp_buffer_printf(&asked, "%" PRId64 ":%d:%d:%d:%d:%" PRId64 ":", tenant_id,
                      (int)question->from, (int)question->to, question->weekday, question->hour,
                      counted_us);
    add_text(&asked, question->age != NULL ? question->age->name : NULL);
    add_text(&asked, msp_counted_metric_name(question->metric));
    add_text(&asked, question->dimension);
    add_text(&asked, question->member);
    add_text(&asked, external_id);
    /* Without memory the digest is of less: then a cursor fits no question, and the page fails
     * anyway. */
    (void)SHA256((const unsigned char *)asked.data, asked.data != NULL ? asked.length : 0, hash);
    msp_buffer_done(&asked);
    for (int i = 0; i < (DIGEST_TEXT_BYTES - 1) / 2; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", (unsigned)hash[i]);
}

void msp_ticket_cursor_format(int64_t tenant_id, const struct msp_drill_down *question,
                              const struct msp_counted_ticket *last,
                              char out[MSP_TICKET_CURSOR_BYTES])
{
    char plain[MSP_TICKET_CURSOR_PLAIN_BYTES];
    char digest[DIGEST_TEXT_BYTES];
    int length;

    digest_place(tenant_id, question, last->counted_us, last->ticket.external_id, digest);
    length = snprintf(plain, sizeof plain, "%" PRId64 ":%s:%s", last->counted_us, digest,
                      last->ticket.external_id);
    msp_opaque_text_format(plain, (size_t)length, out);
}

bool msp_ticket_cursor_parse(const char *text, int64_t tenant_id,
                             const struct msp_drill_down *question, struct msp_ticket_cursor *out)
{
    char plain[MSP_TICKET_CURSOR_PLAIN_BYTES];
    char digest[DIGEST_TEXT_BYTES];
    char *rest;

    if (!msp_opaque_text_parse(text, plain, sizeof plain))
        return false;
    out->counted_us = strtoll(plain, &rest, 10);
    if (*rest != ':' || strlen(rest) <= DIGEST_TEXT_BYTES || rest[DIGEST_TEXT_BYTES] != ':')
        return false;
    const char *external_id = rest + DIGEST_TEXT_BYTES + 1;
    digest_place(tenant_id, question, out->counted_us, external_id, digest);
    if (strncmp(rest + 1, digest, DIGEST_TEXT_BYTES - 1) != 0)
        return false;
    memcpy(out->external_id, external_id, strlen(external_id) + 1);
    return true;
}
