/* EGRESS_ALLOW: what a list lets through, and the addresses that try to look like something else.
 */
#include "msp/egress_allow.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static enum msp_result ask(const char *list, const char *url, enum msp_egress_reach *out)
{
    struct msp_error error;
    return msp_egress_allow_check(list, url, out, &error);
}

static void expect_public(const char *list, const char *url)
{
    enum msp_egress_reach reach = MSP_EGRESS_PRIVATE;
    cr_expect_eq(ask(list, url, &reach), MSP_OK, "%s by %s", url, list);
    cr_expect_eq(reach, MSP_EGRESS_PUBLIC, "%s by %s", url, list);
}

static void expect_private(const char *list, const char *url)
{
    enum msp_egress_reach reach = MSP_EGRESS_PUBLIC;
    cr_expect_eq(ask(list, url, &reach), MSP_OK, "%s by %s", url, list);
    cr_expect_eq(reach, MSP_EGRESS_PRIVATE, "%s by %s", url, list);
}

static void expect_refused(const char *list, const char *url)
{
    enum msp_egress_reach reach;
    enum msp_result result = ask(list, url, &reach);
    cr_expect(result == MSP_FORBIDDEN, "%s by \"%s\" gave %s", url, list, msp_result_name(result));
}

static void expect_malformed(const char *url)
{
    enum msp_egress_reach reach;
    /* Named by an entry as far as anything could name it, so that only its form is at fault. */
    enum msp_result result = ask("*.com,example.com,http://127.0.0.1+private", url, &reach);
    cr_expect(result == MSP_INVALID, "\"%s\" gave %s", url, msp_result_name(result));
}

Test(egress_allow, an_empty_list_lets_nothing_through)
{
    expect_refused("", "https://example.com/");
    expect_refused(" , ", "https://example.com/");
    expect_refused("", "http://127.0.0.1/");
}

Test(egress_allow, an_entry_names_a_host_by_https_on_its_port)
{
    expect_public("hooks.example.com", "https://hooks.example.com/a?b=c");
    expect_public("hooks.example.com", "https://hooks.example.com");
    expect_public("hooks.example.com", "https://hooks.example.com:443/");
    expect_public("a.com, Hooks.Example.com", "HTTPS://HOOKS.EXAMPLE.COM?x");
    expect_public("https://a.com:8443", "https://a.com:8443/x");
    expect_refused("hooks.example.com", "http://hooks.example.com/");
    expect_refused("hooks.example.com", "https://hooks.example.com:8443/");
    expect_refused("https://a.com:8443", "https://a.com/x");
    expect_refused("hooks.example.com", "https://example.com/");
    expect_refused("hooks.example.com", "https://hooks.example.com.evil.com/");
    expect_refused("hooks.example.com", "https://evilhooks.example.com/");
}

Test(egress_allow, a_wildcard_covers_what_is_below_and_not_the_name_itself)
{
    expect_public("*.example.com", "https://a.example.com/");
    expect_public("*.example.com", "https://a.b.example.com/");
    expect_public("https://*.example.com:444", "https://a.example.com:444/");
    expect_refused("*.example.com", "https://example.com/");
    expect_refused("*.example.com", "https://evilexample.com/");
    expect_refused("*.example.com", "https://a.example.com.evil.com/");
}

Test(egress_allow, private_holds_for_exactly_that_scheme_host_and_port)
{
    const char *list = "http://n8n:5678+private http://127.0.0.1:9000+private,n8n.internal+private";
    expect_private(list, "http://n8n:5678/webhook-waiting/1?signature=x");
    expect_private(list, "http://127.0.0.1:9000/");
    expect_private(list, "https://n8n.internal/x");
    expect_refused(list, "https://n8n:5678/");
    expect_refused(list, "http://n8n:5679/");
    expect_refused(list, "http://n8n/");
    expect_refused(list, "http://127.0.0.2:9000/");
    expect_refused(list, "http://n8n.internal/");
    expect_private("a.com,a.com+private", "https://a.com/");
    expect_private("a.com+private,a.com", "https://a.com/");
}

static enum msp_result ask_for_source(const char *list, const char *url, enum msp_egress_reach *out)
{
    struct msp_error error;
    return msp_egress_source_check(list, url, out, &error);
}

Test(egress_allow, a_source_may_lie_at_any_name_by_https_and_leads_to_public_addresses)
{
    static const char *const urls[] = {"https://acme.zendesk.com/api/v2?x=1",
                                       "https://glpi.acme.example:8443/apirest.php",
                                       "https://desk:1024/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        enum msp_egress_reach reach = MSP_EGRESS_PRIVATE;
        cr_expect_eq(ask_for_source("", urls[i], &reach), MSP_OK, "%s", urls[i]);
        cr_expect_eq(reach, MSP_EGRESS_PUBLIC, "%s", urls[i]);
    }
}

Test(egress_allow, a_source_by_http_address_or_low_port_needs_an_entry)
{
    static const char *const urls[] = {"http://desk.acme.example/",  "https://10.0.0.1/",
                                       "https://1.1.1.1/",           "https://acme.example:22/",
                                       "https://acme.example:1023/", "http://127.0.0.1:9000/"};
    enum msp_egress_reach reach = MSP_EGRESS_PUBLIC;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        cr_expect_eq(ask_for_source("acme.example,*.acme.example", urls[i], &reach), MSP_FORBIDDEN,
                     "%s", urls[i]);
    }
    cr_expect_eq(ask_for_source("http://127.0.0.1:9000+private", "http://127.0.0.1:9000/", &reach),
                 MSP_OK);
    cr_expect_eq(reach, MSP_EGRESS_PRIVATE);
    cr_expect_eq(ask_for_source("acme.example:22", "https://acme.example:22/", &reach), MSP_OK);
    cr_expect_eq(reach, MSP_EGRESS_PUBLIC);
    cr_expect_eq(ask_for_source("desk.internal+private", "https://desk.internal/", &reach), MSP_OK);
    cr_expect_eq(reach, MSP_EGRESS_PRIVATE);
    cr_expect_eq(ask_for_source("", "https://u:p@acme.example/", &reach), MSP_INVALID);
}

Test(egress_allow, an_address_in_a_guise_is_malformed)
{
    static const char *const urls[] = {
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1./",
        "http://127.0.0.0x1/",
        "http://127.0.0.01/",
        "http://0/",
        "http://256.0.0.1/",
        "http://1.2.3.4.5/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::]/",
        "http://[fe80::1%25lo]/",
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1%2eexample.com/",
        "http://\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1/",
        "http://example.com\xE3\x80\x82/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_malformed(urls[i]);
    }
}

Test(egress_allow, what_two_readers_could_read_differently_is_malformed)
{
    static const char *const urls[] = {
        "",
        "example.com",
        "//example.com/",
        "https:/example.com/",
        "https:example.com",
        "https:///example.com",
        "https://",
        "https:///",
        "https://?x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com#@127.0.0.1/",
        "https://example.com/#x",
        "https://example.com:/",
        "https://example.com:0/",
        "https://example.com:080/",
        "https://example.com:65536/",
        "https://example.com:99999999/",
        "https://example.com:80:80/",
        "https://example.com:x/",
        "https://example.com./",
        "https://.example.com/",
        "https://a..example.com/",
        "https://exam ple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: x",
        "https://example.com/\x7f",
        "\thttps://example.com/",
        " https://example.com/",
        "https://example.com/\xC3\xA9",
        "https://*.example.com/",
        "https://example.com,evil.com/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_malformed(urls[i]);
    }
}

Test(egress_allow, a_long_address_is_malformed_and_its_longest_is_not)
{
    char url[MSP_EGRESS_URL_BYTES + 1];
    memset(url, 'a', sizeof url - 1);
    url[sizeof url - 1] = '\0';
    memcpy(url, "https://example.com/", 20);
    expect_malformed(url);
    url[MSP_EGRESS_URL_BYTES - 1] = '\0';
    expect_public("example.com", url);
}

Test(egress_allow, a_long_host_is_malformed)
{
    char url[400] = "https://";
    memset(url + 8, 'a', 64);
    strcpy(url + 72, ".com/");
    expect_malformed(url);
    for (size_t i = 8; i < 300; i++) {
        url[i] = (char)(i % 8 == 7 ? '.' : 'a');
    }
    strcpy(url + 300, ".com/");
    expect_malformed(url);
}

Test(egress_allow, a_refusal_names_what_to_add_and_never_path_or_query)
{
    enum msp_egress_reach reach;
    struct msp_error error;
    cr_assert_eq(msp_egress_allow_check("", "http://n8n:5678/secret?signature=x", &reach, &error),
                 MSP_FORBIDDEN);
    cr_expect_str_eq(error.code, "egress_refused");
    cr_expect_not_null(strstr(error.detail, "http://n8n:5678"));
    cr_expect_not_null(strstr(error.detail, "EGRESS_ALLOW"));
    cr_expect_null(strstr(error.detail, "secret"));
    cr_assert_eq(msp_egress_allow_check("", "https://u:hunter2@a.com/", &reach, &error),
                 MSP_INVALID);
    cr_expect_null(strstr(error.detail, "hunter2"));
}

Test(egress_allow, the_parts_of_an_address_come_out)
{
    struct msp_egress_url url;
    struct msp_error error;
    cr_assert_eq(msp_egress_url_parse("http://S3.Internal:9000/b/k?x=1", &url, &error), MSP_OK);
    cr_expect_not(url.is_https);
    cr_expect_not(url.is_address);
    cr_expect_str_eq(url.host, "s3.internal");
    cr_expect_eq(url.port, 9000);
    cr_expect_str_eq(url.rest, "/b/k?x=1");
    cr_assert_eq(msp_egress_url_parse("https://10.0.0.1", &url, &error), MSP_OK);
    cr_expect(url.is_address);
    cr_expect_eq(url.port, 443);
    cr_expect_str_eq(url.rest, "");
}

Test(egress_allow, a_wrong_entry_is_shown_with_its_reason)
{
    static const char *const bad[] = {
        "http://a.com",
        "ftp://a.com",
        "a.com/path",
        "a.com:0",
        "*",
        "*.",
        "a.*.com",
        "10.0.0.1",
        "*.a.com+private",
        "user@a.com",
        "[::1]+private",
        "+private",
        "a.com+open",
        "0x7f.1+private",
        "a.com:",
        "https://a.com:70000",
        "a..com",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char list[128];
        const char *shown = NULL;
        const char *reason = NULL;
        size_t length = 0;
        (void)snprintf(list, sizeof list, "fine.com, %s,other.com", bad[i]);
        cr_assert_not(msp_egress_allow_is_valid(list, &shown, &length, &reason), "%s", bad[i]);
        cr_expect_eq(length, strlen(bad[i]));
        cr_expect_eq(strncmp(shown, bad[i], length), 0);
        cr_expect_not_null(reason);
    }
}

Test(egress_allow, right_lists_are_valid)
{
    static const char *const good[] = {"", "a.com", " a.com ,, *.b.com\thttp://n8n:5678+private ",
                                       "http://10.0.0.1:1+private", "https://x_y.z:65535"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *shown;
        const char *reason;
        size_t length;
        cr_expect(msp_egress_allow_is_valid(good[i], &shown, &length, &reason), "%s", good[i]);
    }
}
