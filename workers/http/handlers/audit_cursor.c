/* "id:digest", where the digest is of the question and the place. */
#include "audit_cursor.h"

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

static void digest_place(const struct msp_audit_filter *filter, int64_t last_id,
                         char out[DIGEST_TEXT_BYTES])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    struct msp_buffer asked;

    msp_buffer_init(&asked, 0);
    msp_buffer_printf(&asked, "audit:%" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64 ":",
                      filter->tenant_id, filter->from_us, filter->before_us, last_id);
    add_text(&asked, filter->action);
    add_text(&asked, filter->actor);
    /* Without memory the digest is of less: then a cursor fits no question, and the page fails
     * anyway. */
    (void)SHA256((const unsigned char *)asked.data, asked.data != NULL ? asked.length : 0, hash);
    msp_buffer_done(&asked);
    for (int i = 0; i < (DIGEST_TEXT_BYTES - 1) / 2; i++)
        (void)snprintf(out + 2 * (size_t)i, 3, "%02x", (unsigned)hash[i]);
}

static int write_plain(const struct msp_audit_filter *filter, int64_t last_id,
                       char plain[MSP_AUDIT_CURSOR_PLAIN_BYTES])
{
    char digest[DIGEST_TEXT_BYTES];

    digest_place(filter, last_id, digest);
    return snprintf(plain, MSP_AUDIT_CURSOR_PLAIN_BYTES, "%" PRId64 ":%s", last_id, digest);
}

void msp_audit_cursor_format(const struct msp_audit_filter *filter, int64_t last_id,
                             char out[MSP_AUDIT_CURSOR_BYTES])
{
    char plain[MSP_AUDIT_CURSOR_PLAIN_BYTES];
    int length = write_plain(filter, last_id, plain);

    msp_opaque_text_format(plain, (size_t)length, out);
}

bool msp_audit_cursor_parse(const char *text, const struct msp_audit_filter *filter,
                            int64_t *out_last_id)
{
    char plain[MSP_AUDIT_CURSOR_PLAIN_BYTES];
    char again[MSP_AUDIT_CURSOR_PLAIN_BYTES];
    int64_t last_id;

    if (!msp_opaque_text_parse(text, plain, sizeof plain))
        return false;
    /* What is no number, or too large a one, is not written so again. */
    last_id = strtoll(plain, NULL, 10);
    if (last_id < 1)
        return false;
    (void)write_plain(filter, last_id, again);
    if (strcmp(plain, again) != 0)
        return false;
    *out_last_id = last_id;
    return true;
}
