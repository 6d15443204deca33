/* Where Redis is and how to get in, read out of REDIS_URL. */
#ifndef MSP_REDIS_URL_H
#define MSP_REDIS_URL_H

#include "msp/result.h"

struct redis_url {
    char path[108]; /* of a Unix socket; "" = TCP */
    char host[256];
    int port;
    char user[256];
    char password[512]; /* "" = none */
    int database;
};

/* See msp_redis_new for the forms. The error repeats nothing of the URL, which may hold a password.
 */
enum msp_result redis_url_parse(const char *url, struct redis_url *out,
                                struct msp_error *error) MSP_MUST_CHECK;

#endif
