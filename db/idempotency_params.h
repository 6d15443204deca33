/* A key and its scope as parameters of a statement. */
#ifndef MSP_IDEMPOTENCY_PARAMS_H
#define MSP_IDEMPOTENCY_PARAMS_H

#include "msp/idempotency.h"

/* Adds five: owner, caller, route, key, fingerprint; all null for NULL. `idempotency` is borrowed
 * until the call returns. */
void msp_idempotency_params(struct msp_params *params, const struct msp_idempotency *idempotency);

#endif
