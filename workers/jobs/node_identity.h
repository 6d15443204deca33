/*
 * The name under which this life of the job worker holds jobs: "<node>:<nonce>". The node id
 * outlives the process (STATE_DIR/node-id), so that a new life at once takes back what a dead one
 * held.
 */
#ifndef MSP_NODE_IDENTITY_H
#define MSP_NODE_IDENTITY_H

#include "msp/result.h"

#define MSP_NODE_ID_BYTES     33 /* 128 random bits in hex and a NUL */
#define MSP_WORKER_NAME_BYTES (MSP_NODE_ID_BYTES + 17)

struct msp_node_identity {
    char node[MSP_NODE_ID_BYTES];
    char worker[MSP_WORKER_NAME_BYTES];
    int lock_fd; /* keeps the node id ours while we live; -1 = another life still has it */
};

/*
 * Reads the node id or makes one. While another process holds the file (an old worker that is
 * finishing), this life gets a node id of its own, so as not to take over jobs that are in good
 * hands.
 */
enum msp_result msp_node_identity_init(struct msp_node_identity *identity, const char *state_dir,
                                       struct msp_error *error) MSP_MUST_CHECK;
void msp_node_identity_done(struct msp_node_identity *identity);

#endif
