/* Whose turn it is to hash a password: two at once a worker, each takes 16 MiB and a processor. */
#ifndef MSP_HTTP_PASSWORD_TURN_H
#define MSP_HTTP_PASSWORD_TURN_H

#include "../http_worker.h"

#include <stdbool.h>

#define MSP_PASSWORDS_AT_ONCE 2

/* False if both turns are taken. True must be followed by msp_password_turn_end. */
static inline bool msp_password_turn_begin(struct msp_http_worker *worker)
{
    if (atomic_fetch_add(&worker->hashes_under_way, 1) < MSP_PASSWORDS_AT_ONCE)
        return true;
    (void)atomic_fetch_sub(&worker->hashes_under_way, 1);
    return false;
}

static inline void msp_password_turn_end(struct msp_http_worker *worker)
{
    (void)atomic_fetch_sub(&worker->hashes_under_way, 1);
}

#endif
