/* Reads and writes the session cookie (RFC 6265bis). Knows no session. */
#include "session_cookie.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define PLAIN_NAME  "msp_session"
#define SECURE_NAME "__Host-" PLAIN_NAME

static size_t name_length(const char *host)
{
    return *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
}

static bool is_name(const char *host, const char *name)
{
    return name_length(host) == strlen(name) && strncasecmp(host, name, strlen(name)) == 0;
}

bool msp_session_is_secure(const char *host, bool forwarded)
{
    /* 127.0.0.1.example.com is a name like any other. */
    bool loopback =
        is_name(host, "localhost") || is_name(host, "[::1]") ||
        (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == name_length(host));
    return forwarded || !loopback;
}

enum msp_result msp_session_find(const char *cookies, bool secure, struct msp_arena *arena,
                                 const char **out, struct msp_error *error)
{
    const char *name = secure ? SECURE_NAME : PLAIN_NAME;
    size_t length = strlen(name);
    const char *found = NULL;
    size_t found_length = 0;
    for (const char *at = cookies; at != NULL && *at != '\0';) {
        at += strspn(at, "; \t");
        size_t size = strcspn(at, ";");
        if (size > length && memcmp(at, name, length) == 0 && at[length] == '=') {
            if (found != NULL)
                return msp_fail(error, MSP_INVALID, "session_repeated",
                                "The session cookie came twice; clear this site's cookies and "
                                "sign in again.");
            found = at + length + 1;
            found_length = size - length - 1;
        }
        at += size;
    }
    *out = NULL;
    if (found == NULL || found_length == 0)
        return MSP_OK;
    while (found_length > 0 && strchr(" \t", found[found_length - 1]) != NULL)
        found_length--;
    *out = msp_arena_copy(arena, found, found_length);
    if (*out == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
    return MSP_OK;
}

void msp_session_set(struct msp_response *response, bool secure, const char *token,
                     int64_t max_age_seconds)
{
    msp_response_header(
        response, "Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s",
        secure ? SECURE_NAME : PLAIN_NAME, token, max_age_seconds, secure ? "; Secure" : "");
}

void msp_session_clear(struct msp_response *response, bool secure)
{
    msp_session_set(response, secure, "", 0);
}

/* The length of a host without the port that its scheme has anyway. */
static size_t without_port(const char *host, const char *port)
{
    size_t length = strlen(host);
    size_t ending = strlen(port);
    return length > ending && strcmp(host + length - ending, port) == 0 ? length - ending : length;
}

bool msp_origin_is_ours(const char *origin, const char *host, bool secure)
{
    const char *scheme = secure ? "https://" : "http://";
    const char *port = secure ? ":443" : ":80";
    if (strncmp(origin, scheme, strlen(scheme)) != 0)
        return false;
    const char *named = origin + strlen(scheme);
    size_t length = without_port(named, port);
    return length == without_port(host, port) && strncasecmp(named, host, length) == 0;
}
