/* Keeps the node id in a file that only we may read, locked while a worker lives. */
#include "node_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void random_hex(char *out, size_t digits)
{
    unsigned char bytes[16];
    arc4random_buf(bytes, sizeof bytes);
    for (size_t i = 0; i < digits / 2; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static bool is_node_id(const char *text, ssize_t length)
{
    return length == MSP_NODE_ID_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == MSP_NODE_ID_BYTES - 1;
}

/* A half-written id of a crash is no id: it is replaced. */
static bool read_or_make(int fd, char node[MSP_NODE_ID_BYTES])
{
    char text[MSP_NODE_ID_BYTES + 1] = "";
    ssize_t length = pread(fd, text, MSP_NODE_ID_BYTES, 0);
    if (is_node_id(text, length)) {
        memcpy(node, text, MSP_NODE_ID_BYTES);
        return true;
    }
    random_hex(node, MSP_NODE_ID_BYTES - 1);
    return ftruncate(fd, 0) == 0 &&
           pwrite(fd, node, MSP_NODE_ID_BYTES - 1, 0) == MSP_NODE_ID_BYTES - 1 && fsync(fd) == 0;
}

enum msp_result msp_node_identity_init(struct msp_node_identity *identity, const char *state_dir,
                                       struct msp_error *error)
{
    char path[2048];
    int length = snprintf(path, sizeof path, "%s/node-id", state_dir);
    int fd = -1;
    if (length > 0 && (size_t)length < sizeof path) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    } else {
        errno = ENAMETOOLONG;
    }
    if (fd < 0) {
        return msp_fail(error, MSP_BROKEN, "state_unwritable", "Cannot open %s: %s.", path,
                        strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        fd = -1;
        random_hex(identity->node, MSP_NODE_ID_BYTES - 1);
    } else if (!read_or_make(fd, identity->node)) {
        enum msp_result result = msp_fail(error, MSP_BROKEN, "state_unwritable",
                                          "Cannot write %s: %s.", path, strerror(errno));
        (void)close(fd);
        return result;
    }
    identity->lock_fd = fd;
    char nonce[17];
    random_hex(nonce, sizeof nonce - 1);
    (void)snprintf(identity->worker, sizeof identity->worker, "%s:%s", identity->node, nonce);
    return MSP_OK;
}

void msp_node_identity_done(struct msp_node_identity *identity)
{
    if (identity->lock_fd >= 0) {
        (void)close(identity->lock_fd);
        identity->lock_fd = -1;
    }
}
