/*
 * Passwords: what one must be like, its hash (yescrypt, by libcrypt) and the comparison. A hash
 * takes about 16 MiB and some 50 ms on purpose; whoever lets strangers ask for one bounds how many
 * run at once.
 */
#ifndef MSP_PASSWORD_H
#define MSP_PASSWORD_H

#include "msp/result.h"

#include <stdbool.h>

#define MSP_PASSWORD_LEAST_BYTES 12
#define MSP_PASSWORD_MOST_BYTES  256
#define MSP_PASSWORD_HASH_BYTES  128
/* What msp_password_generate makes: 25 of 32 letters and digits, 125 random bits. */
#define MSP_PASSWORD_GENERATED_BYTES 30 /* five groups of five, four dashes, a NUL */

/* MSP_INVALID for one that is too short or long, holds control characters or is not UTF-8. */
enum msp_result msp_password_check(const char *password, struct msp_error *error) MSP_MUST_CHECK;

/* The hash to be stored. MSP_UNAVAILABLE if libcrypt or the system's random bytes fail. */
enum msp_result msp_password_hash(const char *password, char out[MSP_PASSWORD_HASH_BYTES],
                                  struct msp_error *error) MSP_MUST_CHECK;

/* Whether it is the password of that hash. NULL or "" = nobody's: takes as long and is false. */
bool msp_password_matches(const char *password, const char *hash) MSP_MUST_CHECK;

/* A random password that can be read out: groups of five letters and digits. MSP_UNAVAILABLE. */
enum msp_result msp_password_generate(char out[MSP_PASSWORD_GENERATED_BYTES],
                                      struct msp_error *error) MSP_MUST_CHECK;

#endif
