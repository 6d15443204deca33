/* What becomes of wrong credentials: counted an address, and sign-ins slowed down. Decides on
 * numbers only. */
#ifndef MSP_HTTP_FAILURES_H
#define MSP_HTTP_FAILURES_H

#include "msp/attempts.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_FAILURES_WINDOW_SECONDS 60

/* Counts a wrong credential from the address (an IPv6 one by its /64). 0, or the seconds until the
 * next window once more than `limit` came in this one. */
int msp_failures_note(struct msp_attempts *attempts, const char *address, int limit,
                      int64_t now_unix_seconds);

/* The seconds that a sign-in of this account from this address must wait; 0 = go on. */
int msp_sign_in_wait(const struct msp_attempts *attempts, const char *account, const char *address,
                     int64_t now_unix_seconds);

/* How it went: success forgets the account's failures, not the address's. */
void msp_sign_in_note(struct msp_attempts *attempts, const char *account, const char *address,
                      bool entered, int64_t now_unix_seconds);

/* Counts a refused sign-in that is about to leave a line in the audit log: which one it is of this
 * node and minute, from 1. */
int msp_refused_line_note(struct msp_attempts *attempts, int64_t now_unix_seconds);

#endif
