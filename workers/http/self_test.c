/* A CivetWeb of its own for a moment, and a client that sends what the strict check must tell
 * apart. */
#include "self_test.h"

#include "civetweb_seam.h"
#include "request_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LEAST_STACK_BYTES ((size_t)1 << 20)
#define TRIAL_THREADS     2
#define PATIENCE_SECONDS  2

/* What one connection sends, and the letters our side must answer with: p = passed, r = refused. */
static const struct {
    const char *about;
    const char *sent;
    const char *answers;
} trials[] = {
    {"two requests in one connection",
     "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Empty:\r\n\r\n"
     "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
     "pp"},
    {"blank lines before a request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "r"},
    {"a line that hides those behind it",
     "GET / HTTP/1.1\r\nHost: h\r\n :x\r\nContent-Length: 3\r\n\r\nabc", "r"},
    {"a bare line feed", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "r"},
    {"a space before a colon", "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", "r"},
    {"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "r"},
};

static bool stack_is_large(void)
{
    pthread_attr_t attributes;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    (void)pthread_attr_getstacksize(&attributes, &size);
    (void)pthread_attr_destroy(&attributes);
    return size >= LEAST_STACK_BYTES;
}

/* Answers with one letter: p or r by the strict check, s for a stack that is too small. */
static int answer_trial(struct mg_connection *connection)
{
    struct msp_request_head head;
    struct msp_error error;
    msp_seam_request_begin();
    int status = msp_request_check(mg_get_request_info(connection), msp_seam_head_buffer(),
                                   MSP_SEAM_HEAD_BYTES, &head, &error);
    char letter = !stack_is_large() ? 's' : status == 0 ? 'p' : 'r';
    char answer[80];
    int length =
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%c", letter);
    if (letter != 'p')
        mg_disable_keep_alive(connection);
    (void)msp_seam_write(connection, answer, (size_t)length);
    if (letter != 'p')
        msp_seam_linger(MSP_SEAM_HEAD_BYTES, 100);
    msp_seam_request_end(false);
    return 200;
}

/* What CivetWeb says to itself in a trial is not for the log. */
static int swallow(const struct mg_connection *connection, const char *message)
{
    (void)connection;
    (void)message;
    return 1;
}

static int open_listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -1;
    if (bind(listener, (const struct sockaddr *)address, sizeof *address) == 0 &&
        listen(listener, TRIAL_THREADS) == 0 &&
        getsockname(listener, (struct sockaddr *)address, &length) == 0)
        return listener;
    (void)close(listener);
    return -1;
}

/* Sends and reads to the end; false if that took too long. */
static bool talk(const struct sockaddr_in *address, const char *sent, char *got, size_t size)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0)
        return false;
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool good = connect(client, (const struct sockaddr *)address, sizeof *address) == 0 &&
                send(client, sent, strlen(sent), MSG_NOSIGNAL) == (ssize_t)strlen(sent) &&
                shutdown(client, SHUT_WR) == 0;
    size_t length = 0;
    ssize_t some = 1;
    while (good && some > 0 && length < size - 1) {
        some = recv(client, got + length, size - 1 - length, 0);
        if (some > 0)
            length += (size_t)some;
        good = some >= 0;
    }
    got[length] = '\0';
    (void)close(client);
    return good;
}

/* The letters of all answers, each of which stands behind an empty line. */
static void read_letters(const char *got, char *letters, size_t size)
{
    size_t count = 0;
    for (const char *at = strstr(got, "\r\n\r\n"); at != NULL && count < size - 1;
         at = strstr(at + 4, "\r\n\r\n"))
        letters[count++] = at[4];
    letters[count] = '\0';
}

static enum msp_result run_trials(const struct sockaddr_in *address, struct msp_error *error)
{
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        char got[1024];
        char letters[8];
        if (!talk(address, trials[i].sent, got, sizeof got))
            return msp_fail(error, MSP_UNAVAILABLE, "self_test_silent",
                            "CivetWeb did not answer a trial request (%s) in %d s.",
                            trials[i].about, PATIENCE_SECONDS);
        read_letters(got, letters, sizeof letters);
        if (strchr(letters, 's') != NULL)
            return msp_fail(error, MSP_BROKEN, "self_test_stack",
                            "CivetWeb's threads have less than 1 MiB of stack; this build of the "
                            "program does not export pthread_attr_setstacksize.");
        if (strcmp(letters, trials[i].answers) != 0)
            return msp_fail(error, MSP_BROKEN, "self_test_layout",
                            "CivetWeb reads %s otherwise than version 1.15 of Debian 12 "
                            "(\"%s\" instead of \"%s\"); install libcivetweb1 1.15+dfsg-4.",
                            trials[i].about, letters, trials[i].answers);
    }
    return MSP_OK;
}

enum msp_result msp_self_test_run(struct msp_error *error)
{
    static const struct mg_callbacks callbacks = {.begin_request = answer_trial,
                                                  .log_message = swallow};
    const char *options[] = {"listening_ports",
                             "127.0.0.1:1",
                             "num_threads",
                             "2",
                             "request_timeout_ms",
                             "2000",
                             "enable_keep_alive",
                             "yes",
                             "decode_url",
                             "no",
                             NULL};
    struct sockaddr_in address;
    int listener = open_listener(&address);
    if (listener < 0)
        return msp_fail(error, MSP_UNAVAILABLE, "self_test_listener",
                        "Cannot open a loopback port for the self-test: %m");
    const struct msp_seam_options seam = {
        .listener = listener, .max_connections = TRIAL_THREADS, .keep_alive_ms = 1000};
    struct mg_context *context = msp_seam_start(&seam, &callbacks, NULL, options);
    enum msp_result result =
        context != NULL
            ? run_trials(&address, error)
            : msp_fail(error, MSP_BROKEN, "self_test_listener",
                       "CivetWeb did not take over our listener; this build of the program does "
                       "not export bind.");
    if (context != NULL)
        msp_seam_stop(context);
    (void)close(listener);
    return result;
}
