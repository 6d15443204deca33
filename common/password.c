/* Passwords by libcrypt. Keeps none, and wipes what it had in hand. */
#include "msp/password.h"

#include "msp/utf8.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* yescrypt's cost: 5 is libcrypt's own default, 16 MiB. */
#define COST 5
/* A setting of that cost that no user has: what strangers' passwords are hashed with. */
static const char nobodys_setting[] = "$y$j9T$................$";

enum msp_result msp_password_check(const char *password, struct msp_error *error)
{
    size_t length = strnlen(password, MSP_PASSWORD_MOST_BYTES + 1);
    if (length < MSP_PASSWORD_LEAST_BYTES || length > MSP_PASSWORD_MOST_BYTES)
        return msp_fail_at(error, MSP_INVALID, "password_length", "/password",
                           "A password has %d to %d bytes; take a longer one.",
                           MSP_PASSWORD_LEAST_BYTES, MSP_PASSWORD_MOST_BYTES);
    for (size_t i = 0; i < length;) {
        size_t size = msp_utf8_character_bytes(password + i, length - i);
        if (size == 0 || (unsigned char)password[i] < ' ' || password[i] == 127)
            return msp_fail_at(error, MSP_INVALID, "password_characters", "/password",
                               "A password is UTF-8 text without control characters.");
        i += size;
    }
    return MSP_OK;
}

/* The hash of the password with that setting; false if libcrypt or memory fail. */
static bool hash_with(const char *password, const char *setting, char out[MSP_PASSWORD_HASH_BYTES])
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (data == NULL)
        return false;
    const char *hash = crypt_r(password, setting, data);
    /* A failure is a text that starts with "*". */
    bool made = hash != NULL && hash[0] == '$' && strlen(hash) < MSP_PASSWORD_HASH_BYTES;
    if (made)
        memcpy(out, hash, strlen(hash) + 1);
    explicit_bzero(data, sizeof(*data));
    free(data);
    return made;
}

enum msp_result msp_password_hash(const char *password, char out[MSP_PASSWORD_HASH_BYTES],
                                  struct msp_error *error)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn("$y$", COST, NULL, 0, setting, (int)sizeof(setting)) == NULL ||
        !hash_with(password, setting, out))
        return msp_fail(error, MSP_UNAVAILABLE, "password_not_hashed",
                        "The password cannot be hashed: memory or random bytes are short.");
    return MSP_OK;
}

/* The time of a comparison tells nothing: both are hashes of what was given and what is stored. */
bool msp_password_matches(const char *password, const char *hash)
{
    char given[MSP_PASSWORD_HASH_BYTES] = "";
    bool known = hash != NULL && hash[0] == '$';
    bool hashed = hash_with(password, known ? hash : nobodys_setting, given);
    return known && hashed && strcmp(given, hash) == 0;
}

enum msp_result msp_password_generate(char out[MSP_PASSWORD_GENERATED_BYTES],
                                      struct msp_error *error)
{
    /* 32 that are not mistaken for one another. */
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[25];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return msp_fail(error, MSP_UNAVAILABLE, "random_unavailable",
                        "The system has no random bytes for a password; try again.");
    size_t length = 0;
    for (size_t i = 0; i < sizeof(random); i++) {
        if (i > 0 && i % 5 == 0)
            out[length++] = '-';
        out[length++] = alphabet[random[i] % 32];
    }
    out[length] = '\0';
    explicit_bzero(random, sizeof(random));
    return MSP_OK;
}
