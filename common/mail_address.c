/* Reads mail addresses and lists of them. Asks no mail server whether they exist. */
#include "msp/mail_address.h"

#include <string.h>
#include <strings.h>

#define LONGEST_LOCAL_PART 64
#define LONGEST_LABEL      63

static const char local_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.";
static const char label_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

bool msp_mail_next(const char **at, const char **out_entry, size_t *out_length)
{
    const char *start = *at;
    if (*start == '\0')
        return false;
    size_t length = strcspn(start, ",");
    *at = start + length + (start[length] == ',' ? 1 : 0);
    while (length > 0 && is_blank(*start)) {
        start++;
        length--;
    }
    while (length > 0 && is_blank(start[length - 1]))
        length--;
    *out_entry = start;
    *out_length = length;
    return true;
}

static bool consists_of(const char *text, size_t length, const char *bytes)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0' || strchr(bytes, text[i]) == NULL)
            return false;
    return true;
}

/* Labels between single dots. */
static bool is_domain(const char *text, size_t length)
{
    size_t begun = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != '.')
            continue;
        size_t label = i - begun;
        if (label == 0 || label > LONGEST_LABEL || text[begun] == '-' || text[i - 1] == '-' ||
            !consists_of(text + begun, label, label_bytes))
            return false;
        begun = i + 1;
    }
    return true;
}

static bool is_local_part(const char *text, size_t length)
{
    if (length == 0 || length > LONGEST_LOCAL_PART || text[0] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 1; i < length; i++)
        if (text[i] == '.' && text[i - 1] == '.')
            return false;
    return consists_of(text, length, local_bytes);
}

bool msp_mail_address_is_valid(const char *address, size_t length)
{
    const char *at_sign = memchr(address, '@', length);
    if (at_sign == NULL || length >= MSP_MAIL_ADDRESS_BYTES)
        return false;
    size_t local = (size_t)(at_sign - address);
    return is_local_part(address, local) && is_domain(at_sign + 1, length - local - 1);
}

bool msp_mail_list_is_valid(const char *list, int most)
{
    const char *entry;
    size_t length;
    int count = 0;
    for (const char *at = list; msp_mail_next(&at, &entry, &length); count++)
        if (!msp_mail_address_is_valid(entry, length))
            return false;
    return count >= 1 && count <= most;
}

bool msp_mail_rules_are_valid(const char *rules)
{
    const char *entry;
    size_t length;
    for (const char *at = rules; msp_mail_next(&at, &entry, &length);)
        if (!msp_mail_address_is_valid(entry, length) && !is_domain(entry, length))
            return false;
    return true;
}

/* Local parts are compared by the byte: only their own server knows whether case matters to it. */
static bool is_same_address(const char *left, size_t left_length, const char *right,
                            size_t right_length)
{
    const char *domain = memchr(left, '@', left_length);
    size_t local = domain == NULL ? 0 : (size_t)(domain - left);
    return left_length == right_length && domain != NULL && memcmp(left, right, local) == 0 &&
           strncasecmp(domain, right + local, left_length - local) == 0;
}

static bool rule_covers(const char *rule, size_t rule_length, const char *address, size_t length)
{
    if (memchr(rule, '@', rule_length) != NULL)
        return is_same_address(rule, rule_length, address, length);
    const char *at_sign = memchr(address, '@', length);
    size_t domain = at_sign == NULL ? 0 : length - (size_t)(at_sign - address) - 1;
    return domain == rule_length && domain > 0 && strncasecmp(at_sign + 1, rule, domain) == 0;
}

bool msp_mail_is_allowed(const char *address, size_t length, const char *list, const char *rules)
{
    const char *entry;
    size_t entry_length;
    for (const char *at = list; msp_mail_next(&at, &entry, &entry_length);)
        if (is_same_address(entry, entry_length, address, length))
            return true;
    for (const char *at = rules; msp_mail_next(&at, &entry, &entry_length);)
        if (rule_covers(entry, entry_length, address, length))
            return true;
    return false;
}
