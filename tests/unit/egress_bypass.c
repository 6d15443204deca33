/*
 * No address of tests/support/egress_bypass.txt opens a socket to a place inside, through any of
 * three doors: a caller's whose hosts EGRESS_ALLOW all names, a ticket source's, and the guard at
 * the socket alone, without our reader of addresses before it. MSP_EGRESS_BYPASS=/path runs another
 * list. The program's own getaddrinfo, socket and connect stand in for DNS and the network: the
 * whole internet is unreachable, and who was sought is written down.
 */
#include "egress/egress.h"
#include "egress/egress_handle.h"
#include "msp/clock.h"
#include "msp/egress_allow.h"
#include "msp/log.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE_BYTES   4096
#define FEWEST_LINES 200
#define DEADLINE_MS  5000
#define MOST_SOUGHT  32

/* Where no call may lead, by IANA's registries of special addresses; written anew, so that the
 * guard is not judged by its own table. */
static const char *const inside[] = {
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/8",
    "64:ff9b::/32",
    "100::/8",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "4000::/2",
    "8000::/1",
};

/* ---- the world of this program ---- */

static char dns_answer[LINE_BYTES]; /* addresses separated by commas */
static int streams;                 /* sockets opened for TCP */
static int sought;
static struct sockaddr_storage sought_at[MOST_SOUGHT];

static int take_real(const char *node, const char *service, int family, int socktype,
                     struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST, .ai_family = family, .ai_socktype = socktype};
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, &hints, out);
}

/* Whatever the system takes for an address is one; every other name has the answer of its line. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    char answer[LINE_BYTES];
    char *rest = NULL;
    struct addrinfo **end = out;
    *out = NULL;
    if (take_real(node, service, AF_UNSPEC, hints->ai_socktype, out) == 0) {
        return 0;
    }
    (void)snprintf(answer, sizeof answer, "%s", dns_answer);
    for (char *one = strtok_r(answer, ", ", &rest); one != NULL;
         one = strtok_r(NULL, ", ", &rest)) {
        cr_assert_eq(take_real(one, service, AF_UNSPEC, hints->ai_socktype, end), 0, "%s", one);
        while (*end != NULL) {
            end = &(*end)->ai_next;
        }
    }
    return *out != NULL ? 0 : EAI_NONAME;
}

int socket(int domain, int type, int protocol)
{
    if ((domain == AF_INET || domain == AF_INET6) && (type & 0xf) == SOCK_STREAM) {
        streams++;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
        return (int)syscall(SYS_connect, fd, address, size);
    }
    cr_assert_lt(sought, MOST_SOUGHT);
    memcpy(&sought_at[sought++], address, size);
    errno = ENETUNREACH;
    return -1;
}

static bool lies_in(const uint8_t *address, int family, const char *range)
{
    char text[64];
    uint8_t network[16];
    const char *slash = strchr(range, '/');
    (void)snprintf(text, sizeof text, "%.*s", (int)(slash - range), range);
    if (inet_pton(family, text, network) != 1) {
        return false;
    }
    for (int bit = 0; bit < atoi(slash + 1); bit++) {
        if ((address[bit / 8] ^ network[bit / 8]) & (0x80 >> bit % 8)) {
            return false;
        }
    }
    return true;
}

static bool is_inside(const void *address, int family)
{
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        if (lies_in(address, family, inside[i])) {
            return true;
        }
    }
    return false;
}

static bool was_sought_inside(const struct sockaddr_storage *at)
{
    return at->ss_family == AF_INET
               ? is_inside(&((const struct sockaddr_in *)at)->sin_addr, AF_INET)
               : is_inside(&((const struct sockaddr_in6 *)at)->sin6_addr, AF_INET6);
}

static void forget(void)
{
    streams = 0;
    sought = 0;
}

static void expect_nothing_inside(const char *door, const char *url)
{
    for (int i = 0; i < sought; i++) {
        cr_expect_not(was_sought_inside(&sought_at[i]), "%s: %s was led inside", door, url);
    }
    /* Each connects, or it is one whose way is not known. */
    cr_expect_eq(streams, sought, "%s: %s got a socket", door, url);
}

/* ---- the doors ---- */

static enum msp_result go(enum msp_egress_owner owner, const char *allow, const char *url)
{
    struct msp_error error;
    struct msp_egress_response response;
    struct msp_egress *egress = msp_egress_new(allow);
    cr_assert_not_null(egress);
    struct msp_egress_request request = {
        .owner = owner,
        .purpose = "test",
        .method = "GET",
        .url = url,
        .deadline_ms = msp_clock_monotonic_ms() + DEADLINE_MS,
    };
    forget();
    enum msp_result result = msp_egress_call(egress, &request, &response, &error);
    cr_expect_neq(result, MSP_OK, "%s was answered", url);
    cr_expect_neq(result, MSP_TIMED_OUT, "%s took its time", url);
    msp_egress_free(egress);
    return result;
}

/* Everything about the address that an entry could name, as far as the list takes it. */
static void name_hosts(const char *url, char *out, size_t size)
{
    const char *slashes = strstr(url, "//");
    const char *from = slashes != NULL ? slashes + 2 : url;
    size_t used = 0;
    out[0] = '\0';
    for (const char *at = from; *at != '\0'; at++) {
        char entry[LINE_BYTES];
        const char *bad;
        const char *reason;
        size_t length;
        if (at != from && strchr("@/\\", at[-1]) == NULL) {
            continue;
        }
        (void)snprintf(entry, sizeof entry, "%.*s", (int)strcspn(at, "@/\\?# ,\t"), at);
        if (entry[0] != '\0' && used + strlen(entry) + 2 < size &&
            msp_egress_allow_is_valid(entry, &bad, &length, &reason)) {
            used += (size_t)snprintf(out + used, size - used, "%s,", entry);
        }
    }
}

static void go_as_a_callers(const char *url)
{
    char allow[2 * LINE_BYTES];
    name_hosts(url, allow, sizeof allow);
    (void)go(MSP_EGRESS_GIVEN, allow, url);
    expect_nothing_inside("a caller's", url);
}

static void go_as_a_source(const char *url)
{
    (void)go(MSP_EGRESS_SOURCE, "", url);
    expect_nothing_inside("a source's", url);
}

static CURLcode go_past_the_reader(const char *url)
{
    struct egress_guard guard = {.public_only = true,
                                 .deadline_ms = msp_clock_monotonic_ms() + DEADLINE_MS};
    CURL *handle = curl_easy_init();
    cr_assert_not_null(handle);
    cr_assert(msp_egress_guard_handle(handle, &guard, "http,https"));
    cr_assert_eq(curl_easy_setopt(handle, CURLOPT_URL, url), CURLE_OK);
    forget();
    CURLcode code = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    return code;
}

static void try_every_door(const char *url)
{
    go_as_a_callers(url);
    go_as_a_source(url);
    cr_expect_neq(go_past_the_reader(url), CURLE_OK, "%s was answered", url);
    expect_nothing_inside("the socket's", url);
}

/* ---- the list ---- */

/* \t \n \r \xHH become that byte, in place. */
static void unescape(char *text)
{
    char *to = text;
    for (char *at = text; *at != '\0'; to++) {
        unsigned byte;
        int length = 0;
        if (sscanf(at, "\\x%2x%n", &byte, &length) == 1 && length == 4) {
            *to = (char)byte;
            at += 4;
        } else if (at[0] == '\\' && at[1] != '\0' && strchr("tnr", at[1]) != NULL) {
            *to = at[1] == 't' ? '\t' : at[1] == 'n' ? '\n' : '\r';
            at += 2;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
}

static void try_line(char *line)
{
    char other[LINE_BYTES + 1];
    char *answer = strstr(line, " => ");
    (void)snprintf(dns_answer, sizeof dns_answer, "%s", answer != NULL ? answer + 4 : "127.0.0.1");
    if (answer != NULL) {
        *answer = '\0';
    }
    unescape(line);
    try_every_door(line);
    if (strncmp(line, "http:", 5) == 0) {
        (void)snprintf(other, sizeof other, "https%s", line + 4);
        try_every_door(other);
    } else if (strncmp(line, "https:", 6) == 0) {
        (void)snprintf(other, sizeof other, "http%s", line + 5);
        try_every_door(other);
    }
}

static void set_up(void)
{
    cr_assert_not_null(setlocale(LC_ALL, "C.UTF-8")); /* lets libcurl fold what is not ASCII */
    /* Thousands of refusals are no news here. */
    msp_log_configure(MSP_LOG_ERROR, MSP_LOG_PLAIN);
    cr_assert(msp_egress_ready());
}

TestSuite(egress_bypass, .init = set_up, .timeout = 240);

Test(egress_bypass, no_address_of_the_list_gets_a_socket_inside)
{
    char line[LINE_BYTES];
    int lines = 0;
    const char *path = getenv("MSP_EGRESS_BYPASS");
    FILE *list =
        fopen(path != NULL ? path : MSP_SOURCE_DIR "/tests/support/egress_bypass.txt", "re");
    cr_assert_not_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        cr_assert_not_null(strchr(line, '\n'), "a line without end");
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#') {
            try_line(line);
            lines++;
        }
    }
    (void)fclose(list);
    cr_expect(path != NULL || lines >= FEWEST_LINES, "only %d addresses", lines);
}

/* The same doors let public addresses through, so the silence above means something. */
Test(egress_bypass, a_public_address_is_sought_through_every_door)
{
    static const char *const answers[] = {"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
                                          "127.0.0.1, 93.184.215.14"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        (void)snprintf(dns_answer, sizeof dns_answer, "%s", answers[i]);
        (void)go(MSP_EGRESS_GIVEN, "fine.example", "https://fine.example/");
        cr_expect_eq(sought, 1);
        (void)go(MSP_EGRESS_SOURCE, "", "https://fine.example/");
        cr_expect_eq(sought, 1);
        (void)go_past_the_reader("https://fine.example/");
        cr_expect_eq(sought, 1);
    }
}

static void expect_turn_refused(enum msp_egress_owner owner)
{
    struct msp_error error;
    struct msp_egress_response response;
    struct msp_egress *egress = msp_egress_new("turns.example,*.turns.example");
    cr_assert_not_null(egress);
    forget();
    for (int i = 0; i < 8; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "https://%sturns.example/", i % 2 == 0 ? "" : "a.");
        (void)snprintf(dns_answer, sizeof dns_answer, "%s",
                       i < 2       ? "93.184.215.14"
                       : i % 4 < 2 ? "127.0.0.1"
                                   : "::ffff:10.0.0.1, ::1");
        struct msp_egress_request request = {.owner = owner,
                                             .purpose = "test",
                                             .method = "GET",
                                             .url = url,
                                             .deadline_ms = msp_clock_monotonic_ms() + DEADLINE_MS};
        cr_expect_neq(msp_egress_call(egress, &request, &response, &error), MSP_OK);
    }
    cr_expect_geq(sought, 2, "the public address was not tried");
    expect_nothing_inside("one that turns", "https://turns.example/");
    msp_egress_free(egress);
}

/* Kept handles remember names for a minute; what they remember is judged like a fresh answer. */
Test(egress_bypass, a_name_that_turns_inward_is_followed_no_further)
{
    expect_turn_refused(MSP_EGRESS_GIVEN);
    expect_turn_refused(MSP_EGRESS_SOURCE);
}

/* And an entry with +private opens exactly its own door. */
Test(egress_bypass, a_private_address_is_sought_for_its_entry_alone)
{
    const char *allow = "http://n8n.inside.example:5678+private,http://10.0.0.1:80+private";
    (void)snprintf(dns_answer, sizeof dns_answer, "10.0.0.7");
    (void)go(MSP_EGRESS_GIVEN, allow, "http://n8n.inside.example:5678/");
    cr_expect_eq(sought, 1);
    (void)go(MSP_EGRESS_SOURCE, allow, "http://10.0.0.1/");
    cr_expect_eq(sought, 1);
    static const char *const others[] = {"http://n8n.inside.example/",
                                         "https://n8n.inside.example:5678/",
                                         "http://N8N.inside.example.:5678/",
                                         "http://n8n.inside.example:05678/",
                                         "http://x.n8n.inside.example:5678/",
                                         "http://10.0.0.7:5678/",
                                         "http://0xa.0.0.1/",
                                         "http://10.1/",
                                         "http://10.0.0.1:8080/",
                                         "https://10.0.0.1/",
                                         "http://[::ffff:10.0.0.1]/",
                                         "http://x@10.0.0.1/"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)go(MSP_EGRESS_GIVEN, allow, others[i]);
        cr_expect_eq(streams, 0, "%s", others[i]);
        (void)go(MSP_EGRESS_SOURCE, allow, others[i]);
        cr_expect_eq(streams, 0, "%s", others[i]);
    }
}
