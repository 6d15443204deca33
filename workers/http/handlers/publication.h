/* Waiting until what was just changed holds on this node. */
#ifndef MSP_HTTP_PUBLICATION_H
#define MSP_HTTP_PUBLICATION_H

#include "../request.h"

/*
 * After the commit of a change to tenants, keys or people: returns once the shared memory of this
 * node has it, or after a second, when every node may be expected to. So whoever made the change
 * finds it made.
 */
void msp_publication_wait(const struct msp_request *request);

#endif
