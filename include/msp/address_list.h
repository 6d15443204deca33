/*
 * Lists of IPv4 addresses and CIDR blocks, as in TRUSTED_PROXIES and
 * INTERNAL_ALLOW: "127.0.0.0/8, 10.1.2.3". Read from the text each time; a
 * list has a handful of entries. IPv6 ends at the proxy in front of us.
 */
#ifndef MSP_ADDRESS_LIST_H
#define MSP_ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether an entry covers the address. Entries that cannot be read cover nothing; so does an empty
 * list. */
bool msp_address_list_contains(const char *list, uint32_t ipv4_host_order);

/*
 * Whether every entry can be read; an empty list is fine, an empty entry is not. If not,
 * *out_bad and *out_bad_length (both may be NULL) show the first one at fault, inside `list`.
 */
bool msp_address_list_is_valid(const char *list, const char **out_bad, size_t *out_bad_length);

#endif
