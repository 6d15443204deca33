/* Two lines: a list of EGRESS_ALLOW and an address that somebody else wrote. What is allowed must
 * be a plain address, by https unless an entry says +private, and libcurl must read the same host.
 */
#include "msp/egress_allow.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_part(CURLU *handle, CURLUPart part, const char *ours)
{
    char *theirs = NULL;
    require(curl_url_get(handle, part, &theirs, CURLU_DEFAULT_PORT) == CURLUE_OK);
    require(strcasecmp(theirs, ours) == 0);
    curl_free(theirs);
}

/* What we looked at is what libcurl will call. */
static void compare_with_curl(const char *text, const struct msp_egress_url *url)
{
    char port[16];
    CURLU *handle = curl_url();
    require(handle != NULL);
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, text, 0);
    if (code == CURLUE_OK) {
        (void)snprintf(port, sizeof port, "%d", url->port);
        check_part(handle, CURLUPART_HOST, url->host);
        check_part(handle, CURLUPART_PORT, port);
        check_part(handle, CURLUPART_SCHEME, url->is_https ? "https" : "http");
    }
    curl_url_cleanup(handle);
}

static void check(const char *list, const char *text)
{
    struct msp_egress_url url;
    struct msp_error error;
    enum msp_egress_reach reach;
    const char *bad = NULL;
    size_t bad_length = 0;
    const char *reason = NULL;
    bool valid = msp_egress_allow_is_valid(list, &bad, &bad_length, &reason);
    require(valid || (bad >= list && bad + bad_length <= list + strlen(list) && reason != NULL));
    enum msp_result read = msp_egress_url_parse(text, &url, &error);
    if (read == MSP_OK) {
        require(url.port >= 1 && url.port <= 65535 && url.host[0] != '\0');
        require(strchr(text, '@') == NULL || strchr(text, '@') > url.rest);
        compare_with_curl(text, &url);
    }
    if (msp_egress_source_check("", text, &reach, &error) == MSP_OK)
        require(read == MSP_OK && reach == MSP_EGRESS_PUBLIC && url.is_https && !url.is_address);
    if (!valid || msp_egress_allow_check(list, text, &reach, &error) != MSP_OK)
        return;
    require(msp_egress_source_check(list, text, &reach, &error) == MSP_OK);
    require(read == MSP_OK && list[0] != '\0');
    require(reach == MSP_EGRESS_PRIVATE || (url.is_https && !url.is_address));
    require(reach == MSP_EGRESS_PUBLIC || strcasestr(list, "+private") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8192)
        return 0;
    char *list = malloc(size + 1);
    require(list != NULL);
    if (size > 0)
        memcpy(list, data, size);
    list[size] = '\0';
    char *text = strchr(list, '\n');
    if (text != NULL) {
        *text++ = '\0';
        check(list, text);
    }
    free(list);
    return 0;
}
