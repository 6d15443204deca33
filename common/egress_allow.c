/* Reads EGRESS_ALLOW anew each time it is asked: the list has a handful of entries and no state. */
#include "egress_url.h"

#include <string.h>

#define SEPARATORS      ", \t"
#define HTTPS_PORT      443
#define FIRST_FREE_PORT 1024 /* below lie the services that are no business of a ticket source */

struct entry {
    struct msp_egress_url where; /* of a wildcard, what comes behind "*." */
    bool is_wildcard;
    bool is_private;
};

/* Cuts `suffix` off the end of the entry if it is there. */
static bool cut_suffix(const char *text, const char **end, const char *suffix)
{
    size_t length = strlen(suffix);
    if ((size_t)(*end - text) < length || memcmp(*end - length, suffix, length) != 0) {
        return false;
    }
    *end -= length;
    return true;
}

static bool read_entry(const char *text, const char *end, struct entry *out,
                       const char **out_reason)
{
    bool given = false;
    out->is_private = cut_suffix(text, &end, "+private");
    if (!egress_scheme_read(&text, end, &given, &out->where.is_https)) {
        *out_reason = "has a scheme that is neither https nor http";
        return false;
    }
    out->is_wildcard = end - text >= 2 && memcmp(text, "*.", 2) == 0;
    if (out->is_wildcard) {
        text += 2;
    }
    if (!egress_authority_read(text, end, &out->where, out_reason)) {
        return false;
    }
    if (out->is_private && out->is_wildcard) {
        *out_reason = "is +private, which needs one exact host and no \"*.\"";
        return false;
    }
    if (!out->is_private && !out->where.is_https) {
        *out_reason = "is plain http, which needs +private at its end";
        return false;
    }
    if (!out->is_private && out->where.is_address) {
        *out_reason = "is an address and not a name, which needs +private at its end";
        return false;
    }
    return true;
}

/* Moves *cursor behind the next entry; NULL after the last. */
static const char *next_entry(const char **cursor, const char **out_end)
{
    const char *text = *cursor + strspn(*cursor, SEPARATORS);
    *out_end = text + strcspn(text, SEPARATORS);
    *cursor = *out_end;
    return *text == '\0' ? NULL : text;
}

static bool covers_host(const struct entry *entry, const char *host)
{
    if (!entry->is_wildcard) {
        return strcmp(entry->where.host, host) == 0;
    }
    size_t length = strlen(host);
    size_t below = strlen(entry->where.host);
    return length > below + 1 && host[length - below - 1] == '.' &&
           strcmp(host + length - below, entry->where.host) == 0;
}

static bool covers(const struct entry *entry, const struct msp_egress_url *url)
{
    return entry->where.is_https == url->is_https && entry->where.port == url->port &&
           covers_host(entry, url->host);
}

/* The wider of several entries for one host holds. */
static bool find_reach(const char *list, const struct msp_egress_url *asked,
                       enum msp_egress_reach *out)
{
    const char *end;
    bool found = false;
    for (const char *text; (text = next_entry(&list, &end)) != NULL;) {
        struct entry entry;
        const char *reason;
        if (!read_entry(text, end, &entry, &reason) || !covers(&entry, asked)) {
            continue;
        }
        if (!found || entry.is_private) {
            *out = entry.is_private ? MSP_EGRESS_PRIVATE : MSP_EGRESS_PUBLIC;
        }
        found = true;
    }
    return found;
}

enum msp_result msp_egress_allow_check(const char *list, const char *url,
                                       enum msp_egress_reach *out_reach, struct msp_error *error)
{
    struct msp_egress_url asked;
    enum msp_result result = msp_egress_url_parse(url, &asked, error);
    if (result != MSP_OK || find_reach(list, &asked, out_reach)) {
        return result;
    }
    return msp_fail(error, MSP_FORBIDDEN, "egress_refused",
                    "This server may not call %s://%s:%d; its operator must add that to "
                    "EGRESS_ALLOW%s.",
                    asked.is_https ? "https" : "http", asked.host, asked.port,
                    asked.is_https && !asked.is_address ? "" : ", with +private behind it");
}

enum msp_result msp_egress_source_check(const char *list, const char *url,
                                        enum msp_egress_reach *out_reach, struct msp_error *error)
{
    struct msp_egress_url asked;
    enum msp_result result = msp_egress_url_parse(url, &asked, error);
    if (result != MSP_OK || find_reach(list, &asked, out_reach)) {
        return result;
    }
    if (asked.is_https && !asked.is_address &&
        (asked.port == HTTPS_PORT || asked.port >= FIRST_FREE_PORT)) {
        *out_reach = MSP_EGRESS_PUBLIC;
        return MSP_OK;
    }
    return msp_fail(error, MSP_FORBIDDEN, "egress_refused",
                    "A ticket source must be called by https at a host name, on port 443 or one "
                    "from 1024 on; for %s://%s:%d the operator must add an entry with +private to "
                    "EGRESS_ALLOW.",
                    asked.is_https ? "https" : "http", asked.host, asked.port);
}

bool msp_egress_allow_is_valid(const char *list, const char **out_bad, size_t *out_bad_length,
                               const char **out_reason)
{
    const char *end;
    for (const char *text; (text = next_entry(&list, &end)) != NULL;) {
        struct entry entry;
        if (!read_entry(text, end, &entry, out_reason)) {
            *out_bad = text;
            *out_bad_length = (size_t)(end - text);
            return false;
        }
    }
    return true;
}
