/* Request fields that are more than one word, as strangers send them: entity tags, ranges, codings,
 * idempotency keys. The first line is the field, the second an If-Range. */
#include "conditional.h"
#include "idempotency.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char etag[] = "\"0123456789abcdef0123456789abcdef\"";

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_range(const char *field, const char *if_range, int64_t size)
{
    int64_t first = -1;
    int64_t last = -1;
    enum msp_range range = msp_range_read(field, if_range, etag, size, &first, &last);
    if (range == MSP_RANGE_PART)
        require(first >= 0 && first <= last && last < size);
    if (range != MSP_RANGE_ALL)
        require(strncasecmp(field, "bytes", 5) == 0 &&
                (if_range == NULL || strcmp(if_range, etag) == 0));
}

static void check_key(const char *field)
{
    char key[MSP_IDEMPOTENCY_KEY_BYTES];
    if (!msp_idempotency_parse_key(field, key))
        return;
    require(key[0] != '\0' && strlen(key) <= strlen(field));
    for (const char *at = key; *at != '\0'; at++)
        require(*at >= ' ' && *at <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t sizes[] = {0, 1, 1000, INT64_MAX};
    char *field = malloc(size + 1);
    require(field != NULL);
    if (size > 0)
        memcpy(field, data, size);
    field[size] = '\0';
    char *if_range = strchr(field, '\n');
    if (if_range != NULL)
        *if_range++ = '\0';
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_range(field, NULL, sizes[i]);
        check_range(field, if_range, sizes[i]);
    }
    if (msp_if_none_match(field, etag))
        require(strstr(field, etag) != NULL || strchr(field, '*') != NULL);
    if (msp_accepts_gzip(field))
        require(strcasestr(field, "gzip") != NULL || strchr(field, '*') != NULL);
    check_key(field);
    free(field);
    return 0;
}
