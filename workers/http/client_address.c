/* Finds the client's address. Believes a proxy only where the settings say so. */
#include "client_address.h"

#include "msp/address_list.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_trusted(const char *address, const char *trusted)
{
    struct in_addr ipv4;
    return trusted[0] != '\0' && inet_pton(AF_INET, address, &ipv4) == 1 &&
           msp_address_list_contains(trusted, ntohl(ipv4.s_addr));
}

/* In its one canonical form; false if the text is no address. */
static bool take_address(const char *text, size_t length, char out[MSP_ADDRESS_BYTES])
{
    char copy[MSP_ADDRESS_BYTES];
    unsigned char bytes[16];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    int family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(family, copy, bytes) == 1 &&
           inet_ntop(family, bytes, out, MSP_ADDRESS_BYTES) != NULL;
}

/* From the right: each proxy adds the address it was called from. */
static bool take_last_foreign(const char *list, const char *trusted, char out[MSP_ADDRESS_BYTES])
{
    size_t end = strlen(list);
    for (;;) {
        size_t start = end;
        while (start > 0 && list[start - 1] != ',')
            start--;
        size_t first = start + strspn(list + start, " \t");
        size_t last = end;
        while (last > first && strchr(" \t", list[last - 1]) != NULL)
            last--;
        if (first > last || !take_address(list + first, last - first, out))
            return false;
        if (!is_trusted(out, trusted) || start == 0)
            return true;
        end = start - 1;
    }
}

/* The last field of that name: what an outsider sent stands before what the proxy added. */
static const char *last_field(const struct mg_request_info *info, const char *name)
{
    for (int i = info->num_headers; i-- > 0;)
        if (strcasecmp(info->http_headers[i].name, name) == 0)
            return info->http_headers[i].value;
    return NULL;
}

/* What a proxy of ours says whom it answers. */
static bool take_passed_on(const struct mg_request_info *info, const char *trusted,
                           char out[MSP_ADDRESS_BYTES])
{
    const char *direct = last_field(info, "cf-connecting-ip");
    if (direct != NULL)
        return take_address(direct, strlen(direct), out);
    const char *passed = last_field(info, "x-forwarded-for");
    return passed != NULL && take_last_foreign(passed, trusted, out);
}

void msp_client_address(const struct mg_request_info *info, const char *trusted,
                        char out[MSP_ADDRESS_BYTES])
{
    char said[MSP_ADDRESS_BYTES];
    const char *address = info->remote_addr;
    if (is_trusted(info->remote_addr, trusted) && take_passed_on(info, trusted, said))
        address = said;
    size_t length = strnlen(address, MSP_ADDRESS_BYTES - 1);
    memcpy(out, address, length);
    out[length] = '\0';
}
