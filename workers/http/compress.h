/* Large answers in fewer bytes, for callers who take gzip. */
#ifndef MSP_HTTP_COMPRESS_H
#define MSP_HTTP_COMPRESS_H

#include "request.h"
#include "response.h"

/*
 * Compresses a JSON body that is worth it and names its coding. Only for answers whose entity tag
 * is a weak one: other bytes, the same answer. Without memory it stays as it is.
 */
void msp_response_compress(const struct msp_request *request, struct msp_response *response);

#endif
