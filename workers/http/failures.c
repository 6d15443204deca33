/* Turns addresses and accounts into places of the shared counters. */
#include "failures.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <string.h>

/* Somebody who mistypes is let be; who guesses gets one try in five minutes. */
static const struct msp_backoff account_backoff = {5, 300, 900};
/* Many people may share an address. */
static const struct msp_backoff address_backoff = {30, 300, 900};

enum kind { WRONG_CREDENTIAL = 'c', ACCOUNT = 'a', SIGN_IN_ADDRESS = 's', REFUSED_LINE = 'l' };

static uint64_t key_of(const struct msp_attempts *attempts, enum kind kind, const void *name,
                       size_t size)
{
    unsigned char text[MSP_ATTEMPTS_SEED_BYTES + 1 + 128] = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t key;
    size_t taken = size < 128 ? size : 128;
    memcpy(text, msp_attempts_seed(attempts), MSP_ATTEMPTS_SEED_BYTES);
    text[MSP_ATTEMPTS_SEED_BYTES] = (unsigned char)kind;
    memcpy(text + MSP_ATTEMPTS_SEED_BYTES + 1, name, taken);
    (void)SHA256(text, MSP_ATTEMPTS_SEED_BYTES + 1 + taken, digest);
    memcpy(&key, digest, sizeof key);
    return key;
}

/* Whoever has one IPv6 address usually has all of its /64. */
static uint64_t key_of_address(const struct msp_attempts *attempts, enum kind kind,
                               const char *address)
{
    unsigned char ipv6[16];
    if (inet_pton(AF_INET6, address, ipv6) == 1)
        return key_of(attempts, kind, ipv6, 8);
    return key_of(attempts, kind, address, strlen(address));
}

int msp_failures_note(struct msp_attempts *attempts, const char *address, int limit,
                      int64_t now_unix_seconds)
{
    uint64_t key = key_of_address(attempts, WRONG_CREDENTIAL, address);
    int count = msp_attempts_add(attempts, key, now_unix_seconds, MSP_FAILURES_WINDOW_SECONDS);
    if (count <= limit)
        return 0;
    return MSP_FAILURES_WINDOW_SECONDS - (int)(now_unix_seconds % MSP_FAILURES_WINDOW_SECONDS);
}

int msp_sign_in_wait(const struct msp_attempts *attempts, const char *account, const char *address,
                     int64_t now_unix_seconds)
{
    uint64_t account_key = key_of(attempts, ACCOUNT, account, strlen(account));
    uint64_t address_key = key_of_address(attempts, SIGN_IN_ADDRESS, address);
    int account_wait = msp_attempts_wait(attempts, account_key, now_unix_seconds, &account_backoff);
    int address_wait = msp_attempts_wait(attempts, address_key, now_unix_seconds, &address_backoff);
    return account_wait > address_wait ? account_wait : address_wait;
}

void msp_sign_in_note(struct msp_attempts *attempts, const char *account, const char *address,
                      bool entered, int64_t now_unix_seconds)
{
    uint64_t account_key = key_of(attempts, ACCOUNT, account, strlen(account));
    uint64_t address_key = key_of_address(attempts, SIGN_IN_ADDRESS, address);
    if (entered) {
        msp_attempts_forget(attempts, account_key);
        return;
    }
    msp_attempts_fail(attempts, account_key, now_unix_seconds, &account_backoff);
    msp_attempts_fail(attempts, address_key, now_unix_seconds, &address_backoff);
}

int msp_refused_line_note(struct msp_attempts *attempts, int64_t now_unix_seconds)
{
    return msp_attempts_add(attempts, key_of(attempts, REFUSED_LINE, "", 0), now_unix_seconds,
                            MSP_FAILURES_WINDOW_SECONDS);
}
