/* Written on the stack: whatever is called from here allocates nothing. */
#include "last_words.h"

#include "civetweb_seam.h"

#include <civetweb.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

void msp_last_words_send(struct mg_connection *connection)
{
    uint64_t random[2] = {0};
    char id[33];
    char body[320];
    char answer[768];
    (void)!getrandom(random, sizeof random, 0);
    (void)snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    int length =
        snprintf(body, sizeof body,
                 "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
                 "\"detail\":\"The server is short of memory; try again later.\","
                 "\"code\":\"no_memory\",\"request_id\":\"%s\"}",
                 id);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 503 Service Unavailable\r\n"
                        "Content-Type: application/problem+json\r\n"
                        "Content-Length: %d\r\n"
                        "Cache-Control: no-store\r\n"
                        "CDN-Cache-Control: no-store\r\n"
                        "Retry-After: 5\r\n"
                        "X-Request-Id: %s\r\n"
                        "Connection: close\r\n"
                        "\r\n%s",
                        length, id, body);
    mg_disable_keep_alive(connection);
    (void)msp_seam_write(connection, answer, (size_t)size);
}
