/* From which address a request comes, through proxies that are trusted to say so. */
#ifndef MSP_HTTP_CLIENT_ADDRESS_H
#define MSP_HTTP_CLIENT_ADDRESS_H

#include <civetweb.h>

#define MSP_ADDRESS_BYTES 46 /* INET6_ADDRSTRLEN */

/*
 * The peer's own address, unless `trusted` (TRUSTED_PROXIES) lists it: then what CF-Connecting-IP
 * says, or the last entry of X-Forwarded-For that is no trusted proxy. What is no address is not
 * believed.
 */
void msp_client_address(const struct mg_request_info *info, const char *trusted,
                        char out[MSP_ADDRESS_BYTES]);

#endif
