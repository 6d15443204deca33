/* The kinds of children as a table: a new kind is a new row. */
#ifndef MSP_CHILD_KINDS_H
#define MSP_CHILD_KINDS_H

#include "msp/child.h"

struct msp_child_kind {
    enum msp_process_kind kind;
    const char *title; /* in ps and in the log */
    bool numbered;     /* "http worker 2" */
    int (*run)(const struct msp_child *child);
    int (*count)(const struct msp_settings *settings);
    bool first;         /* started, and waited for, before the others */
    bool takes_http;    /* inherits the HTTP listener */
    bool takes_jobs;    /* inherits the job socket's listener */
    bool reload_renews; /* started anew when a worker-level setting changed */
    enum msp_shared_map_writer writes;
    int stop_turn;    /* asked to leave when all of a smaller turn are gone, … */
    int stop_percent; /* … at the latest at this share of DRAIN_SECONDS */
};

#define MSP_CHILD_KINDS 3

extern const struct msp_child_kind msp_child_kinds[MSP_CHILD_KINDS];

/* "http worker 2" or "job worker". */
void msp_child_kind_name(const struct msp_child_kind *kind, int number, char *out, size_t size);

#endif
