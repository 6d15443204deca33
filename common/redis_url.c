/* Reads REDIS_URL. Connects to nothing. */
#include "redis_url.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static enum msp_result refuse(struct msp_error *error, const char *what)
{
    return msp_fail(error, MSP_INVALID, "redis_url_malformed",
                    "REDIS_URL %s. Write redis://[user:password@]host[:port][/db] or "
                    "unix:///path[?db=n]",
                    what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Copies `length` bytes, percent-decoded; false if they do not fit or decode to a NUL. */
static bool decode(const char *text, size_t length, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

/* A whole number from 0 to `most`, of exactly `length` digits. */
static bool read_number(const char *text, size_t length, int most, int *out)
{
    int value = 0;
    if (length == 0 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    if (value > most)
        return false;
    *out = value;
    return true;
}

static enum msp_result parse_unix(const char *rest, struct redis_url *url, struct msp_error *error)
{
    const size_t length = strcspn(rest, "?");
    if (rest[0] != '/' || !decode(rest, length, url->path, sizeof(url->path)))
        return refuse(error, "names no absolute path of at most 107 bytes");
    const char *query = rest + length;
    if (query[0] == '\0')
        return MSP_OK;
    if (strncmp(query, "?db=", 4) != 0 ||
        !read_number(query + 4, strlen(query + 4), 65535, &url->database))
        return refuse(error, "has something other than ?db=n behind the path");
    return MSP_OK;
}

static bool parse_login(const char *login, size_t length, struct redis_url *url)
{
    const char *colon = memchr(login, ':', length);
    const size_t user = colon != NULL ? (size_t)(colon - login) : length;
    return decode(login, user, url->user, sizeof(url->user)) && colon != NULL &&
           decode(colon + 1, length - user - 1, url->password, sizeof(url->password)) &&
           url->password[0] != '\0';
}

static enum msp_result parse_tcp(const char *rest, struct redis_url *url, struct msp_error *error)
{
    size_t length = strcspn(rest, "/?#");
    const char *slash = rest + length;
    for (size_t i = length; i > 0; i--) { /* the last @ : a password may hold one */
        if (rest[i - 1] != '@')
            continue;
        if (!parse_login(rest, i - 1, url))
            return refuse(error, "has a login without a password, or one too long");
        rest += i;
        length -= i;
        break;
    }
    const char *colon = memchr(rest, ':', length);
    const size_t host = colon != NULL ? (size_t)(colon - rest) : length;
    url->port = 6379;
    if (host == 0 || !decode(rest, host, url->host, sizeof(url->host)))
        return refuse(error, "names no host");
    if (colon != NULL &&
        (!read_number(colon + 1, length - host - 1, 65535, &url->port) || url->port == 0))
        return refuse(error, "has a port that is none");
    if (slash[0] == '\0' || strcmp(slash, "/") == 0)
        return MSP_OK;
    if (slash[0] != '/' || !read_number(slash + 1, strlen(slash + 1), 65535, &url->database))
        return refuse(error, "has something other than a database number behind the host");
    return MSP_OK;
}

enum msp_result redis_url_parse(const char *url, struct redis_url *out, struct msp_error *error)
{
    struct redis_url parsed = {0};
    enum msp_result result;
    if (strncmp(url, "redis://", 8) == 0)
        result = parse_tcp(url + 8, &parsed, error);
    else if (strncmp(url, "unix://", 7) == 0)
        result = parse_unix(url + 7, &parsed, error);
    else
        result = refuse(error, "has another scheme");
    if (result == MSP_OK)
        *out = parsed;
    return result;
}
