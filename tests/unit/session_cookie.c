/* The session cookie, the origin of a request, and the client's address. */
#include "workers/http/session_cookie.h"
#include "workers/http/api_key_check.h"
#include "workers/http/client_address.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *find(const char *cookies, bool secure, enum msp_result expected)
{
    static char value[128];
    struct msp_arena *arena = msp_arena_new(1024);
    const char *found = NULL;
    struct msp_error error;
    cr_assert_eq(msp_session_find(cookies, secure, arena, &found, &error), expected);
    (void)snprintf(value, sizeof value, "%s", found != NULL ? found : "(none)");
    msp_arena_free(arena);
    return value;
}

Test(session_cookie, is_found_among_others_by_its_whole_name)
{
    cr_expect_str_eq(find("msp_session=a.b.c", false, MSP_OK), "a.b.c");
    cr_expect_str_eq(find("x=1; msp_session=a.b.c ;y=2", false, MSP_OK), "a.b.c");
    cr_expect_str_eq(find("xmsp_session=a; msp_sessions=b; msp_session", false, MSP_OK), "(none)");
    cr_expect_str_eq(find("x=msp_session=a", false, MSP_OK), "(none)");
    cr_expect_str_eq(find("msp_session=", false, MSP_OK), "(none)");
    cr_expect_str_eq(find(NULL, false, MSP_OK), "(none)");
    cr_expect_str_eq(find("msp_session=a; __Host-msp_session=b", true, MSP_OK), "b");
    cr_expect_str_eq(find("msp_session=a", true, MSP_OK), "(none)");
    (void)find("msp_session=a; msp_session=a", false, MSP_INVALID);
}

Test(session_cookie, is_secure_everywhere_but_on_loopback)
{
    static const char *const loopback[] = {"localhost", "LOCALHOST:8000", "127.0.0.1",
                                           "127.1.2.3:1", "[::1]:8000"};
    static const char *const others[] = {"example.com",      "localhost.example.com",
                                         "127.0.0.1.nip.io", "127.example.com",
                                         "10.0.0.1",         "[::2]"};
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        cr_expect(!msp_session_is_secure(loopback[i], false), "%s", loopback[i]);
        cr_expect(msp_session_is_secure(loopback[i], true), "%s", loopback[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect(msp_session_is_secure(others[i], false), "%s", others[i]);
}

Test(origin, is_ours_only_with_scheme_host_and_port)
{
    cr_expect(msp_origin_is_ours("http://127.0.0.1:8000", "127.0.0.1:8000", false));
    cr_expect(msp_origin_is_ours("https://a.example", "A.example", true));
    cr_expect(msp_origin_is_ours("https://a.example", "a.example:443", true));
    cr_expect(msp_origin_is_ours("http://localhost", "localhost:80", false));
    static const char *const foreign[] = {"null",
                                          "",
                                          "https://b.example",
                                          "http://a.example",
                                          "https://a.example.b",
                                          "https://a.exampl",
                                          "https://a.example:8443",
                                          "https://x@a.example",
                                          "a.example"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        cr_expect(!msp_origin_is_ours(foreign[i], "a.example", true), "%s", foreign[i]);
}

static const char *address(const char *peer, const char *cloudflare, const char *forwarded)
{
    static char out[MSP_ADDRESS_BYTES];
    struct mg_request_info info = {.num_headers = 0};
    (void)snprintf(info.remote_addr, sizeof info.remote_addr, "%s", peer);
    if (cloudflare != NULL)
        info.http_headers[info.num_headers++] =
            (struct mg_header){.name = "CF-Connecting-IP", .value = cloudflare};
    if (forwarded != NULL) {
        info.http_headers[info.num_headers++] =
            (struct mg_header){.name = "X-Forwarded-For", .value = "6.6.6.6"};
        info.http_headers[info.num_headers++] =
            (struct mg_header){.name = "X-Forwarded-For", .value = forwarded};
    }
    msp_client_address(&info, "127.0.0.0/8, 10.0.0.1", out);
    return out;
}

Test(client_address, believes_only_trusted_proxies)
{
    cr_expect_str_eq(address("192.0.2.1", "1.1.1.1", "2.2.2.2"), "192.0.2.1");
    cr_expect_str_eq(address("127.0.0.1", "1.1.1.1", "2.2.2.2"), "1.1.1.1");
    cr_expect_str_eq(address("127.0.0.1", NULL, "2.2.2.2"), "2.2.2.2");
    cr_expect_str_eq(address("127.0.0.1", NULL, "9.9.9.9, 2.2.2.2, 10.0.0.1"), "2.2.2.2");
    cr_expect_str_eq(address("127.0.0.1", "2001:DB8::0:1", NULL), "2001:db8::1");
    cr_expect_str_eq(address("127.0.0.1", NULL, NULL), "127.0.0.1");
    static const char *const odd[] = {"",          ",", "nonsense", "2.2.2.2,", "2.2.2.2 3.3.3.3",
                                      "1.2.3.4:80"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        cr_expect_str_eq(address("127.0.0.1", NULL, odd[i]), "127.0.0.1", "%s", odd[i]);
    cr_expect_str_eq(address("127.0.0.1", "nonsense", "2.2.2.2"), "127.0.0.1");
}

Test(basic, takes_user_and_password_and_nothing_odd)
{
    struct msp_basic basic;
    cr_assert(msp_basic_parse("YWJjOmRlZjpnaA==", &basic));
    cr_expect_str_eq(basic.user, "abc");
    cr_expect_str_eq(basic.password, "def:gh");
    cr_expect(msp_basic_parse("Og==", &basic) && basic.user[0] == '\0');
    cr_expect(!msp_basic_parse("YWJj", &basic));     /* no colon */
    cr_expect(!msp_basic_parse("YWI6AGM=", &basic)); /* a NUL */
    cr_expect(!msp_basic_parse("YWI6Y", &basic));
    cr_expect(!msp_basic_parse("YWI6Yw", &basic)); /* no padding */
    cr_expect(!msp_basic_parse("", &basic));
    char long_text[1025];
    memset(long_text, 'Q', sizeof long_text);
    long_text[1024] = '\0';
    cr_expect(!msp_basic_parse(long_text, &basic));
}
