/* Which addresses belong to everybody's internet. */
#ifndef MSP_EGRESS_ADDRESS_H
#define MSP_EGRESS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Whether the address is globally reachable unicast by IANA's special-purpose registries for IPv4
 * and IPv6 (RFC 6890 and its updates). Of IPv6 only 2000::/3 can be, without the ranges in it that
 * carry an IPv4 address or are set apart. Families other than these two are not.
 */
bool msp_egress_address_is_public(const struct sockaddr *address);

#endif
