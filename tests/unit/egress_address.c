/* Where a socket may lead: every special range refused at both of its ends, its neighbours not. */
#include "egress/egress_address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

static bool is_public(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return msp_egress_address_is_public((const struct sockaddr *)&ipv4);
    }
    cr_assert_eq(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1, "%s", text);
    return msp_egress_address_is_public((const struct sockaddr *)&ipv6);
}

Test(egress_address, public_addresses_are_public)
{
    static const char *const addresses[] = {
        "1.1.1.1",         "8.8.8.8",      "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",  "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",  "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",       "192.0.3.0",    "192.167.255.255", "192.169.0.0",
        "198.17.255.255",  "198.20.0.0",   "198.51.99.255",   "198.51.101.0",
        "203.0.112.255",   "203.0.114.0",  "223.255.255.255", "2001:200::",
        "2606:4700::1111", "2a00:1450::1", "2001:db7::1",     "2001:db9::1",
        "2003::1",         "3ffe::1",      "3fff:1000::1",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        cr_expect(is_public(addresses[i]), "%s", addresses[i]);
    }
}

Test(egress_address, addresses_of_ones_own_are_not)
{
    static const char *const addresses[] = {
        "0.0.0.0",         "0.255.255.255", "10.0.0.0",        "10.255.255.255", "100.64.0.0",
        "100.127.255.255", "127.0.0.1",     "127.255.255.255", "169.254.0.0",    "169.254.169.254",
        "169.254.255.255", "172.16.0.0",    "172.31.255.255",  "192.0.0.0",      "192.0.0.255",
        "192.0.2.1",       "192.31.196.1",  "192.52.193.1",    "192.88.99.1",    "192.168.0.0",
        "192.168.255.255", "192.175.48.1",  "198.18.0.0",      "198.19.255.255", "198.51.100.0",
        "203.0.113.255",   "224.0.0.1",     "239.255.255.255", "240.0.0.0",      "255.255.255.255",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        cr_expect_not(is_public(addresses[i]), "%s", addresses[i]);
    }
}

Test(egress_address, ipv6_forms_that_carry_or_hide_another_address_are_not)
{
    static const char *const addresses[] = {
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::808:808",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2620:4f:8000::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ffff::1",
        "1fff::1",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        cr_expect_not(is_public(addresses[i]), "%s", addresses[i]);
    }
}

Test(egress_address, other_families_are_not)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    cr_expect_not(msp_egress_address_is_public((const struct sockaddr *)&local));
}
