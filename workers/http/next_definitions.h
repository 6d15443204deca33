/*
 * The definitions behind those of civetweb_seam.c: libc's, or a sanitizer's where one stands
 * between. For that file alone.
 */
#ifndef MSP_HTTP_NEXT_DEFINITIONS_H
#define MSP_HTTP_NEXT_DEFINITIONS_H

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

struct msp_next_definitions {
    int (*bind)(int, const struct sockaddr *, socklen_t);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*poll)(struct pollfd *, nfds_t, int);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    int (*set_stack_size)(pthread_attr_t *, size_t);
};

extern struct msp_next_definitions msp_next;

/* Looks them up at the first call, whichever thread makes it; to be called before they are used. */
void msp_next_find_once(void);

#endif
