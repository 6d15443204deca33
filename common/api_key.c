/* Makes and reads the text of API keys. It hashes nothing and knows no key. */
#include "msp/api_key.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#define PREFIX          "mspk_"
#define PREFIX_LENGTH   (sizeof PREFIX - 1)
#define SECRET_AT       (PREFIX_LENGTH + MSP_API_KEY_ID_LENGTH + 1)
#define SECRET_LENGTH   43 /* 43 times log2(62) = 256.03 bits */
#define CHECKSUM_AT     (SECRET_AT + SECRET_LENGTH)
#define CHECKSUM_LENGTH 6 /* 62 to the 6th exceeds 2 to the 32nd */

_Static_assert(CHECKSUM_AT + CHECKSUM_LENGTH == MSP_API_KEY_LENGTH, "the parts make the whole");

/* The first 36 alone make ids, which people read to one another. */
static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
#define ID_BASE     36U
#define SECRET_BASE 62U

/* Whether the character is among the first `base` of the alphabet. */
static bool is_of(char c, unsigned base)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (base == SECRET_BASE && c >= 'A' && c <= 'Z');
}

static size_t count_of(const char *text, unsigned base)
{
    size_t length = 0;
    while (is_of(text[length], base))
        length++;
    return length;
}

/* Each character equally likely: bytes past the last whole multiple of the base are dropped. */
static bool draw(char *out, size_t length, unsigned base)
{
    unsigned limit = 256 - 256 % base;
    for (size_t made = 0; made < length;) {
        unsigned char random[64];
        ssize_t got = getrandom(random, sizeof random, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got && made < length; i++)
            if (random[i] < limit)
                out[made++] = alphabet[random[i] % base];
    }
    return true;
}

/* CRC-32 as in zlib and Ethernet (reversed polynomial 0xEDB88320), four bits at a time. */
static uint32_t crc32_of(const char *text, size_t length)
{
    static const uint32_t steps[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return ~crc;
}

static void write_checksum(const char *text, char out[CHECKSUM_LENGTH])
{
    uint32_t value = crc32_of(text, CHECKSUM_AT);
    for (size_t i = CHECKSUM_LENGTH; i-- > 0; value /= SECRET_BASE)
        out[i] = alphabet[value % SECRET_BASE];
}

enum msp_result msp_api_key_make(struct msp_api_key *out, struct msp_error *error)
{
    struct msp_api_key key = {.text = PREFIX};
    if (!draw(key.id, MSP_API_KEY_ID_LENGTH, ID_BASE) ||
        !draw(key.text + SECRET_AT, SECRET_LENGTH, SECRET_BASE))
        return msp_fail(error, MSP_UNAVAILABLE, "random_unavailable",
                        "The system has no random bytes for a key; try again.");
    memcpy(key.text + PREFIX_LENGTH, key.id, MSP_API_KEY_ID_LENGTH);
    key.text[SECRET_AT - 1] = '_';
    write_checksum(key.text, key.text + CHECKSUM_AT);
    *out = key;
    return MSP_OK;
}

bool msp_api_key_is_id(const char *text)
{
    return count_of(text, ID_BASE) == MSP_API_KEY_ID_LENGTH && text[MSP_API_KEY_ID_LENGTH] == '\0';
}

bool msp_api_key_parse(const char *text, char out_id[MSP_API_KEY_ID_BYTES])
{
    char checksum[CHECKSUM_LENGTH];
    if (strnlen(text, MSP_API_KEY_BYTES) != MSP_API_KEY_LENGTH ||
        memcmp(text, PREFIX, PREFIX_LENGTH) != 0 || text[SECRET_AT - 1] != '_' ||
        count_of(text + PREFIX_LENGTH, ID_BASE) != MSP_API_KEY_ID_LENGTH ||
        count_of(text + SECRET_AT, SECRET_BASE) != SECRET_LENGTH + CHECKSUM_LENGTH)
        return false;
    write_checksum(text, checksum);
    if (memcmp(checksum, text + CHECKSUM_AT, CHECKSUM_LENGTH) != 0)
        return false;
    memcpy(out_id, text + PREFIX_LENGTH, MSP_API_KEY_ID_LENGTH);
    out_id[MSP_API_KEY_ID_LENGTH] = '\0';
    return true;
}
