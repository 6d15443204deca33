/* Opens the TCP and the job socket once, in the master, before the first fork. Accepts nothing. */
#include "listeners.h"

#include "msp/child.h"
#include "msp/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 1024

/* The workers of a master that was killed let go of the port within this. */
#define PORT_WAIT_MS 3000

static enum msp_result parse_address(const char *text, struct sockaddr_in *out,
                                     struct msp_error *error)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end = NULL;
    const long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
    const size_t length = colon != NULL ? (size_t)(colon - text) : sizeof(host);
    if (length < sizeof(host)) {
        memcpy(host, text, length);
        host[length] = '\0';
    }
    if (length >= sizeof(host) || end == colon + 1 || *end != '\0' || port < 0 || port > 65535 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return msp_fail(error, MSP_INVALID, "listen_malformed",
                        "LISTEN must be an IPv4 address and a port such as 127.0.0.1:8000, not %s",
                        text);
    address.sin_port = htons((uint16_t)port);
    *out = address;
    return MSP_OK;
}

/* Non-blocking: CivetWeb's accept loops must not hang when another worker took the connection. */
static enum msp_result bind_http(const struct sockaddr_in *address, int *out_fd,
                                 struct msp_error *error)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return msp_fail(error, MSP_BROKEN, "socket_failed", "Cannot make a socket: %s",
                        strerror(errno));
    const int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const int64_t deadline_ms = msp_clock_monotonic_ms() + PORT_WAIT_MS;
    int failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    while (failed != 0 && errno == EADDRINUSE && msp_clock_monotonic_ms() < deadline_ms) {
        (void)poll(NULL, 0, 50);
        failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    }
    if (failed != 0 || listen(fd, BACKLOG) != 0) {
        const int why = errno;
        (void)close(fd);
        char host[INET_ADDRSTRLEN] = "";
        (void)inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
        return msp_fail(error, why == EADDRINUSE ? MSP_CONFLICT : MSP_INVALID, "listen_failed",
                        "Cannot listen on %s:%d: %s. Set LISTEN to a free address of this machine",
                        host, (int)ntohs(address->sin_port), strerror(why));
    }
    *out_fd = fd;
    return MSP_OK;
}

/* *out_fd stays -1 if systemd handed over nothing. */
static enum msp_result take_handed_over(int *out_fd, struct msp_error *error)
{
    const int count = sd_listen_fds(1);
    if (count < 0)
        return msp_fail(error, MSP_INVALID, "handover_broken",
                        "Cannot take the sockets of LISTEN_FDS: %s", strerror(-count));
    if (count == 0)
        return MSP_OK;
    const int fd = SD_LISTEN_FDS_START;
    if (count != 1 || sd_is_socket_inet(fd, AF_INET, SOCK_STREAM, 1, 0) <= 0)
        return msp_fail(error, MSP_INVALID, "handover_unfit",
                        "LISTEN_FDS must hand over exactly one listening IPv4 TCP socket; the "
                        "socket unit holds %d",
                        count);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
        return msp_fail(error, MSP_BROKEN, "handover_broken",
                        "Cannot make the handed-over socket non-blocking: %s", strerror(errno));
    *out_fd = fd;
    return MSP_OK;
}

static void name_http(struct msp_listeners *listeners)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);
    char host[INET_ADDRSTRLEN] = "?";
    if (getsockname(listeners->http, (struct sockaddr *)&address, &size) == 0)
        (void)inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
    (void)snprintf(listeners->http_address, sizeof(listeners->http_address), "%s:%d", host,
                   (int)ntohs(address.sin_port));
}

static enum msp_result open_http(const struct msp_settings *settings,
                                 struct msp_listeners *listeners, struct msp_error *error)
{
    enum msp_result result = take_handed_over(&listeners->http, error);
    if (result != MSP_OK)
        return result;
    listeners->handed_over = listeners->http >= 0;
    if (!listeners->handed_over) {
        struct sockaddr_in address = {0};
        result = parse_address(settings->listen, &address, error);
        if (result == MSP_OK)
            result = bind_http(&address, &listeners->http, error);
        if (result != MSP_OK)
            return result;
    }
    name_http(listeners);
    return MSP_OK;
}

static enum msp_result open_jobs(const struct msp_settings *settings,
                                 struct msp_listeners *listeners, struct msp_error *error)
{
    const enum msp_result result =
        msp_job_socket_path(settings, listeners->job_path, sizeof(listeners->job_path), error);
    if (result != MSP_OK)
        return result;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", listeners->job_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return msp_fail(error, MSP_BROKEN, "socket_failed", "Cannot make a socket: %s",
                        strerror(errno));
    /* We hold STATE_DIR's lock: a path that is there was left by a server that is gone. */
    (void)unlink(address.sun_path);
    const mode_t before = umask(0177);
    const int failed = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    const int why = errno;
    (void)umask(before);
    if (failed != 0 || listen(fd, BACKLOG) != 0) {
        (void)msp_fail(error, MSP_INVALID, "job_socket_failed",
                       "Cannot listen on %s: %s. STATE_DIR must be a local folder that this user "
                       "can write",
                       address.sun_path, strerror(failed != 0 ? why : errno));
        (void)close(fd);
        return MSP_INVALID;
    }
    listeners->jobs = fd;
    return MSP_OK;
}

enum msp_result msp_listeners_open(const struct msp_settings *settings, struct msp_listeners *out,
                                   struct msp_error *error)
{
    struct msp_listeners listeners = {.http = -1, .jobs = -1};
    enum msp_result result = open_http(settings, &listeners, error);
    if (result == MSP_OK)
        result = open_jobs(settings, &listeners, error);
    if (result != MSP_OK) {
        msp_listeners_close(&listeners);
        return result;
    }
    *out = listeners;
    return MSP_OK;
}

void msp_listeners_close(struct msp_listeners *listeners)
{
    if (listeners->http >= 0)
        (void)close(listeners->http);
    if (listeners->jobs >= 0) {
        (void)unlink(listeners->job_path);
        (void)close(listeners->jobs);
    }
    listeners->http = -1;
    listeners->jobs = -1;
}
