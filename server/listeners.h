/* The sockets that outlive every child. */
#ifndef MSP_LISTENERS_H
#define MSP_LISTENERS_H

#include "msp/settings.h"

#include <stdbool.h>

struct msp_listeners {
    int http; /* -1 while closed */
    int jobs;
    char http_address[64]; /* as bound: "127.0.0.1:8000" */
    char job_path[108];
    bool handed_over; /* by systemd */
};

/*
 * Opens both, or takes the TCP one handed over in LISTEN_FDS. MSP_INVALID for an address or path
 * that can never work, MSP_CONFLICT when the port is taken.
 */
enum msp_result msp_listeners_open(const struct msp_settings *settings, struct msp_listeners *out,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* Closes both and removes the job socket's path. */
void msp_listeners_close(struct msp_listeners *listeners);

#endif
