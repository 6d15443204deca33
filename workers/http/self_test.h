/* Tries at start-up what we lean on inside CivetWeb, so that another build of it cannot let
 * requests through unseen. */
#ifndef MSP_HTTP_SELF_TEST_H
#define MSP_HTTP_SELF_TEST_H

#include "msp/result.h"

/*
 * Serves a few odd requests to itself on a loopback port of its own: the adopted listener,
 * the stack size and the layout that request_check.c reads. MSP_BROKEN with a sentence that names
 * what is off; MSP_UNAVAILABLE if the test itself could not be made. Takes some 50 ms; no other
 * CivetWeb may run.
 */
enum msp_result msp_self_test_run(struct msp_error *error) MSP_MUST_CHECK;

#endif
