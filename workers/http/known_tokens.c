/* A table of places, one for each value of a hash; who comes last stays. A short lock a place. */
#include "known_tokens.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#define PLACES        256
#define LONGEST_TOKEN 1023

struct place {
    pthread_mutex_t lock;
    uint64_t keys; /* of the settings it was verified under */
    size_t length; /* 0 = empty */
    char token[LONGEST_TOKEN + 1];
    struct msp_known_token known;
};

struct msp_known_tokens {
    struct place places[PLACES];
};

struct msp_known_tokens *msp_known_tokens_new(void)
{
    /* A mapping of its own: touched as far as used, and kept out of core files. */
    struct msp_known_tokens *tokens =
        mmap(NULL, sizeof *tokens, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (tokens == MAP_FAILED)
        return NULL;
    (void)madvise(tokens, sizeof *tokens, MADV_DONTDUMP);
    for (size_t i = 0; i < PLACES; i++)
        (void)pthread_mutex_init(&tokens->places[i].lock, NULL);
    return tokens;
}

void msp_known_tokens_free(struct msp_known_tokens *tokens)
{
    if (tokens == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        (void)pthread_mutex_destroy(&tokens->places[i].lock);
    (void)munmap(tokens, sizeof *tokens);
}

/* Stands for all that verifying depends on besides the token: a reload that changes it ends what
 * was known. */
static uint64_t keys_of(const struct msp_settings *settings)
{
    uint64_t hash = XXH3_64bits(settings->jwt_secret, strlen(settings->jwt_secret));
    hash = XXH3_64bits_withSeed(settings->jwt_secret_previous,
                                strlen(settings->jwt_secret_previous), hash);
    return XXH3_64bits_withSeed(settings->jwt_issuer, strlen(settings->jwt_issuer), hash);
}

static struct place *place_of(struct msp_known_tokens *tokens, const char *token, size_t length)
{
    return &tokens->places[XXH3_64bits(token, length) % PLACES];
}

bool msp_known_tokens_find(struct msp_known_tokens *tokens, const struct msp_settings *settings,
                           const char *token, struct msp_known_token *out)
{
    size_t length = strlen(token);
    if (tokens == NULL || length > LONGEST_TOKEN)
        return false;
    struct place *place = place_of(tokens, token, length);
    uint64_t keys = keys_of(settings);
    (void)pthread_mutex_lock(&place->lock);
    bool found = place->length == length && length > 0 && place->keys == keys &&
                 CRYPTO_memcmp(place->token, token, length) == 0;
    if (found)
        *out = place->known;
    (void)pthread_mutex_unlock(&place->lock);
    return found;
}

void msp_known_tokens_keep(struct msp_known_tokens *tokens, const struct msp_settings *settings,
                           const char *token, const struct msp_known_token *known)
{
    size_t length = strlen(token);
    if (tokens == NULL || length > LONGEST_TOKEN)
        return;
    struct place *place = place_of(tokens, token, length);
    uint64_t keys = keys_of(settings);
    (void)pthread_mutex_lock(&place->lock);
    place->keys = keys;
    place->length = length;
    memcpy(place->token, token, length);
    place->known = *known;
    (void)pthread_mutex_unlock(&place->lock);
}
