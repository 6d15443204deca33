/*
 * Reads http and https addresses that somebody else wrote. What two readers might understand
 * differently is refused, not guessed at.
 */
#include "egress_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define LABEL_BYTES 63 /* RFC 1035, 2.3.4 */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || is_digit(byte) || byte == '-' || byte == '_';
}

/* Resolvers read 127.1, 0x7f000001 and 017700000001 as addresses: a last label that could be a
 * number belongs to one. */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot == NULL ? host : dot + 1;
    return strncmp(label, "0x", 2) == 0 || label[strspn(label, "0123456789")] == '\0';
}

static bool has_good_labels(const char *host)
{
    size_t label = 0;
    for (const char *at = host; *at != '\0'; at++) {
        bool ends = *at == '.';
        if (ends ? label == 0 : !is_host_byte(*at)) {
            return false;
        }
        label = ends ? 0 : label + 1;
        if (label > LABEL_BYTES) {
            return false;
        }
    }
    return label > 0;
}

static bool read_host(const char *text, size_t length, struct msp_egress_url *out,
                      const char **out_reason)
{
    struct in_addr address;
    if (length == 0 || length >= sizeof out->host) {
        *out_reason = length == 0 ? "names no host" : "has a host name that is too long";
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        out->host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
    out->host[length] = '\0';
    if (!has_good_labels(out->host)) {
        *out_reason = "has a host that is no plain host name; write it in ASCII, without user, "
                      "brackets or a dot at its end";
        return false;
    }
    out->is_address = ends_in_number(out->host);
    if (out->is_address && inet_pton(AF_INET, out->host, &address) != 1) {
        *out_reason = "has a number as its host; write an IPv4 address as four decimal numbers";
        return false;
    }
    return true;
}

static bool read_port(const char *text, const char *end, int *out)
{
    int value = 0;
    if (text == end || end - text > 5 || *text == '0') {
        return false;
    }
    for (; text < end; text++) {
        if (!is_digit(*text)) {
            return false;
        }
        value = value * 10 + (*text - '0');
    }
    *out = value;
    return value <= 65535;
}

bool egress_scheme_read(const char **text, const char *end, bool *out_given, bool *out_is_https)
{
    static const struct {
        const char *word;
        bool is_https;
    } schemes[] = {{"https://", true}, {"http://", false}};
    *out_given = true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i].word);
        if ((size_t)(end - *text) >= length && strncasecmp(*text, schemes[i].word, length) == 0) {
            *text += length;
            *out_is_https = schemes[i].is_https;
            return true;
        }
    }
    *out_given = false;
    *out_is_https = true;
    return memmem(*text, (size_t)(end - *text), "://", 3) == NULL;
}

bool egress_authority_read(const char *text, const char *end, struct msp_egress_url *out,
                           const char **out_reason)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));
    const char *host_end = colon == NULL ? end : colon;
    out->port = out->is_https ? 443 : 80;
    if (colon != NULL && !read_port(colon + 1, end, &out->port)) {
        *out_reason = "has no port from 1 to 65535 behind its colon";
        return false;
    }
    return read_host(text, (size_t)(host_end - text), out, out_reason);
}

static const char *find_fault(const char *url, struct msp_egress_url *out)
{
    const char *reason = NULL;
    bool given = false;
    size_t length = strlen(url);
    if (length >= MSP_EGRESS_URL_BYTES) {
        return "is longer than 2047 bytes";
    }
    for (size_t i = 0; i < length; i++) {
        if (url[i] <= ' ' || url[i] >= 0x7f || url[i] == '\\') {
            return "holds a blank, a backslash, a control character or one beyond ASCII; encode "
                   "these with a percent sign";
        }
    }
    if (strchr(url, '#') != NULL) {
        return "has a fragment (\"#\"), which is never sent; leave it out";
    }
    const char *authority = url;
    if (!egress_scheme_read(&authority, url + length, &given, &out->is_https) || !given) {
        return "must begin with https:// or http://";
    }
    const char *end = authority + strcspn(authority, "/?");
    if (!egress_authority_read(authority, end, out, &reason)) {
        return reason;
    }
    out->rest = end;
    return NULL;
}

enum msp_result msp_egress_url_parse(const char *url, struct msp_egress_url *out,
                                     struct msp_error *error)
{
    struct msp_egress_url found;
    const char *fault = find_fault(url, &found);
    if (fault != NULL) {
        return msp_fail(error, MSP_INVALID, "url_malformed", "The address cannot be called: it %s.",
                        fault);
    }
    *out = found;
    return MSP_OK;
}
