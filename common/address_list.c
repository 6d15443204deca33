/*
 * Matches an IPv4 address against a comma-separated list of addresses and CIDR
 * blocks. It knows no names and resolves nothing.
 */
#include "msp/address_list.h"

#include <arpa/inet.h>
#include <string.h>

/* "255.255.255.255/32" */
#define LONGEST_ENTRY_BYTES 18

struct block {
    uint32_t address;
    uint32_t mask;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool read_prefix_length(const char *digits, unsigned *out)
{
    size_t length = strlen(digits);
    if (length < 1 || length > 2 || (length == 2 && digits[0] == '0')) {
        return false;
    }
    unsigned value = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(digits[i] - '0');
    }
    if (value > 32) {
        return false;
    }
    *out = value;
    return true;
}

static bool read_block(const char *entry, size_t length, struct block *out)
{
    char text[LONGEST_ENTRY_BYTES + 1];
    if (length == 0 || length > LONGEST_ENTRY_BYTES) {
        return false;
    }
    memcpy(text, entry, length);
    text[length] = '\0';

    unsigned prefix_length = 32;
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (!read_prefix_length(slash + 1, &prefix_length)) {
            return false;
        }
    }
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1) {
        return false;
    }
    /* A shift by 32 is undefined, so /0 has its own answer. */
    out->mask = prefix_length == 0 ? 0 : UINT32_MAX << (32 - prefix_length);
    out->address = ntohl(address.s_addr) & out->mask;
    return true;
}

/* Cuts the next entry, without the blanks around it, and moves *cursor past its comma; NULL after
 * the last. */
static const char *next_entry(const char **cursor, size_t *out_length)
{
    const char *start = *cursor;
    if (start == NULL) {
        return NULL;
    }
    const char *end = strchrnul(start, ',');
    *cursor = *end == ',' ? end + 1 : NULL;
    while (start < end && is_blank(*start)) {
        start++;
    }
    while (end > start && is_blank(end[-1])) {
        end--;
    }
    *out_length = (size_t)(end - start);
    return start;
}

bool msp_address_list_contains(const char *list, uint32_t ipv4_host_order)
{
    const char *cursor = list;
    const char *entry;
    size_t length;
    while ((entry = next_entry(&cursor, &length)) != NULL) {
        struct block block;
        if (read_block(entry, length, &block) && (ipv4_host_order & block.mask) == block.address) {
            return true;
        }
    }
    return false;
}

bool msp_address_list_is_valid(const char *list, const char **out_bad, size_t *out_bad_length)
{
    if (list[strspn(list, " \t")] == '\0') {
        return true;
    }
    const char *cursor = list;
    const char *entry;
    size_t length;
    while ((entry = next_entry(&cursor, &length)) != NULL) {
        struct block block;
        if (!read_block(entry, length, &block)) {
            if (out_bad != NULL) {
                *out_bad = entry;
            }
            if (out_bad_length != NULL) {
                *out_bad_length = length;
            }
            return false;
        }
    }
    return true;
}
