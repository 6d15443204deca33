/*
 * Mail addresses and the rule of whom a notification may reach. An address is what RFC 5321 calls
 * local-part@domain, in ASCII and without quotes, comments or literals: nothing in it can end a
 * header or a command. Lists are separated by commas, blanks around entries are ignored.
 */
#ifndef MSP_MAIL_ADDRESS_H
#define MSP_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define MSP_MAIL_ADDRESS_BYTES  255 /* the longest RFC 5321 lets through, with the NUL */
#define MSP_MAIL_ADDRESSES_MOST 20  /* of one letter */

/* Takes the next entry of a list: false at its end. *at moves on; entries may be empty. */
bool msp_mail_next(const char **at, const char **out_entry, size_t *out_length);

bool msp_mail_address_is_valid(const char *address, size_t length);

/* Whether every entry is an address, and there are 1 to `most`. */
bool msp_mail_list_is_valid(const char *list, int most);

/* Whether every entry is an address or a domain. */
bool msp_mail_rules_are_valid(const char *rules);

/*
 * Whether `rules` name the address or its domain (not the domains below it), or `list` the address.
 * Domains are compared without case.
 */
bool msp_mail_is_allowed(const char *address, size_t length, const char *list, const char *rules);

#endif
