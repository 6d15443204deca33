/* What `ps` shows of a process of ours. */
#ifndef MSP_PROCESS_TITLE_H
#define MSP_PROCESS_TITLE_H

/* The first thing in main: titles are written over argv and the environment, which this moves out
 * of the way. */
void msp_process_title_init(int argc, char **argv);

/* "msp-analytics: NAME" and nothing else of a command line. */
void msp_process_title_set(const char *name);

#endif
