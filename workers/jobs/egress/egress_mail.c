/* One letter by SMTP. Whoever writes it makes its header; here only the envelope is looked at. */
#include "egress/egress_handle.h"
#include "msp/clock.h"
#include "msp/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HOST_BYTES 254

struct letter {
    const char *trace; /* "" = none; for the log alone */
    const char *message;
    size_t offset, length;
    struct egress_guard guard;
    char host[HOST_BYTES];
};

static size_t give_message(char *to, size_t size, size_t count, void *context)
{
    struct letter *letter = context;
    size_t left = letter->length - letter->offset;
    size_t given = left < size * count ? left : size * count;
    memcpy(to, letter->message + letter->offset, given);
    letter->offset += given;
    return given;
}

static int rewind_message(void *context, curl_off_t offset, int origin)
{
    struct letter *letter = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > letter->length) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    letter->offset = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* A line break in an address would begin a command of its own. */
static bool is_good_address(const char *address)
{
    const char *at = strrchr(address, '@');
    for (const char *byte = address; *byte != '\0'; byte++) {
        if (*byte <= ' ' || *byte >= 0x7f || strchr("<>,;\"\\()", *byte) != NULL) {
            return false;
        }
    }
    return at != NULL && at > address && at[1] != '\0' && strlen(address) <= 254;
}

static enum msp_result check_addresses(const struct msp_egress_mail *mail, struct msp_error *error)
{
    bool good = is_good_address(mail->from) && mail->to[0] != NULL;
    for (const char *const *to = mail->to; good && *to != NULL; to++) {
        good = is_good_address(*to);
    }
    return good ? MSP_OK
                : msp_fail(error, MSP_INVALID, "mail_address_malformed",
                           "A letter needs a sender and receivers written as name@host alone.");
}

/* "smtp://host:port" without user or path, for messages and the log. */
static enum msp_result read_host(const char *url, char out[HOST_BYTES], struct msp_error *error)
{
    const char *host = strncmp(url, "smtp://", 7) == 0    ? url + 7
                       : strncmp(url, "smtps://", 8) == 0 ? url + 8
                                                          : "";
    size_t length = strcspn(host, ":/");
    if (length == 0 || length >= HOST_BYTES || strchr(host, '@') != NULL) {
        return msp_fail(error, MSP_INVALID, "url_malformed",
                        "The mail server must be named as smtp://host:port or smtps://host:port.");
    }
    memcpy(out, host, length);
    out[length] = '\0';
    return MSP_OK;
}

static struct curl_slist *list_receivers(const struct msp_egress_mail *mail)
{
    struct curl_slist *list = NULL;
    for (const char *const *to = mail->to; *to != NULL; to++) {
        struct curl_slist *longer = curl_slist_append(list, *to);
        if (longer == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static bool set_letter(CURL *handle, struct letter *letter, const struct msp_egress_mail *mail,
                       struct curl_slist *receivers)
{
    bool signs_in = mail->user != NULL && mail->user[0] != '\0';
    long tls = mail->require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY;
    return curl_easy_setopt(handle, CURLOPT_URL, mail->url) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_USE_SSL, tls) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAIL_FROM, mail->from) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, receivers) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_message) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READDATA, letter) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, rewind_message) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SEEKDATA, letter) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)letter->length) ==
               CURLE_OK &&
           (!signs_in || (curl_easy_setopt(handle, CURLOPT_USERNAME, mail->user) == CURLE_OK &&
                          curl_easy_setopt(handle, CURLOPT_PASSWORD, mail->password) == CURLE_OK));
}

static enum msp_result judge(CURL *handle, const struct letter *letter, CURLcode code,
                             struct msp_error *error)
{
    long answer = 0;
    if (code == CURLE_OK) {
        return MSP_OK;
    }
    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer);
    if (answer >= 500 && answer < 600) {
        return msp_fail(error, MSP_INVALID, "mail_refused",
                        "The mail server %s refused the letter (%ld); look at its receivers and at "
                        "the sign-in.",
                        letter->host, answer);
    }
    if (answer >= 400 && answer < 500) {
        return msp_fail(error, MSP_UNAVAILABLE, "mail_deferred",
                        "The mail server %s does not take the letter now (%ld).", letter->host,
                        answer);
    }
    return msp_egress_fail(&letter->guard, code, letter->host, error);
}

static enum msp_result send_letter(CURL *handle, struct letter *letter,
                                   const struct msp_egress_mail *mail, struct msp_error *error)
{
    struct curl_slist *receivers = list_receivers(mail);
    int64_t began_ms = msp_clock_monotonic_ms();
    enum msp_result result =
        receivers != NULL && msp_egress_guard_handle(handle, &letter->guard, "smtp,smtps") &&
                set_letter(handle, letter, mail, receivers)
            ? judge(handle, letter, curl_easy_perform(handle), error)
            : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a letter.");
    char ms[24];
    char bytes[24];
    (void)snprintf(ms, sizeof ms, "%" PRId64, msp_clock_monotonic_ms() - began_ms);
    (void)snprintf(bytes, sizeof bytes, "%zu", letter->offset);
    msp_log(MSP_LOG_INFO, "Called out", "purpose", "mail", "host", letter->host, "sent_bytes",
            bytes, "ms", ms, "code", result != MSP_OK ? error->code : NULL, "trace",
            letter->trace[0] != '\0' ? letter->trace : NULL, NULL);
    curl_slist_free_all(receivers);
    return result;
}

enum msp_result msp_egress_send_mail(struct msp_egress *egress, const struct msp_egress_mail *mail,
                                     struct msp_error *error)
{
    struct letter letter = {
        .trace = egress->trace,
        .message = mail->message,
        .length = strlen(mail->message),
        .guard = {.deadline_ms = mail->deadline_ms,
                  .should_stop = mail->should_stop,
                  .context = mail->context},
    };
    enum msp_result result = read_host(mail->url, letter.host, error);
    if (result == MSP_OK) {
        result = check_addresses(mail, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    CURL *handle = curl_easy_init(); /* letters are few: each has a connection of its own */
    if (handle == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a letter.");
    }
    result = send_letter(handle, &letter, mail, error);
    curl_easy_cleanup(handle);
    return result;
}
