/* Tells public addresses from those that lead into some network of one's own. */
#include "egress/egress_address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct {
    uint32_t network;
    int prefix_length;
} special_ipv4[] = {
    {IPV4(0, 0, 0, 0), 8},       {IPV4(10, 0, 0, 0), 8},     {IPV4(100, 64, 0, 0), 10},
    {IPV4(127, 0, 0, 0), 8},     {IPV4(169, 254, 0, 0), 16}, {IPV4(172, 16, 0, 0), 12},
    {IPV4(192, 0, 0, 0), 24},    {IPV4(192, 0, 2, 0), 24},   {IPV4(192, 31, 196, 0), 24},
    {IPV4(192, 52, 193, 0), 24}, {IPV4(192, 88, 99, 0), 24}, {IPV4(192, 168, 0, 0), 16},
    {IPV4(192, 175, 48, 0), 24}, {IPV4(198, 18, 0, 0), 15},  {IPV4(198, 51, 100, 0), 24},
    {IPV4(203, 0, 113, 0), 24},  {IPV4(224, 0, 0, 0), 4},    {IPV4(240, 0, 0, 0), 4},
};

/* Inside 2000::/3. */
static const struct {
    uint8_t network[6];
    int prefix_length;
} special_ipv6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments, Teredo and ORCHID among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4 */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* AS112, answered by whoever is near */
    {{0x3f, 0xff, 0x00}, 20},             /* documentation */
};

static bool is_public_ipv4(uint32_t address)
{
    for (size_t i = 0; i < sizeof special_ipv4 / sizeof special_ipv4[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - special_ipv4[i].prefix_length);
        if ((address & mask) == special_ipv4[i].network) {
            return false;
        }
    }
    return true;
}

static bool begins_with(const uint8_t address[16], const uint8_t *network, int prefix_length)
{
    size_t whole = (size_t)prefix_length / 8;
    unsigned rest = (unsigned)prefix_length % 8;
    return memcmp(address, network, whole) == 0 &&
           (rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0);
}

static bool is_public_ipv6(const uint8_t address[16])
{
    /* Leaves out ::1, v4-mapped, NAT64, unique local, link-local and multicast at a stroke. */
    if ((address[0] & 0xe0) != 0x20) {
        return false;
    }
    for (size_t i = 0; i < sizeof special_ipv6 / sizeof special_ipv6[0]; i++) {
        if (begins_with(address, special_ipv6[i].network, special_ipv6[i].prefix_length)) {
            return false;
        }
    }
    return true;
}

bool msp_egress_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        return is_public_ipv4(ntohl(ipv4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        return is_public_ipv6(ipv6.sin6_addr.s6_addr);
    }
    return false;
}
