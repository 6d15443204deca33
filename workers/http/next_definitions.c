/* Asks the dynamic linker. */
#include "next_definitions.h"

#include <dlfcn.h>

struct msp_next_definitions msp_next;

static void look_up(void)
{
    /* POSIX's own way around ISO C, which knows no cast from an object to a function pointer. */
    *(void **)&msp_next.bind = dlsym(RTLD_NEXT, "bind");
    *(void **)&msp_next.accept = dlsym(RTLD_NEXT, "accept");
    *(void **)&msp_next.accept4 = dlsym(RTLD_NEXT, "accept4");
    *(void **)&msp_next.poll = dlsym(RTLD_NEXT, "poll");
    *(void **)&msp_next.recv = dlsym(RTLD_NEXT, "recv");
    *(void **)&msp_next.send = dlsym(RTLD_NEXT, "send");
    *(void **)&msp_next.sendmsg = dlsym(RTLD_NEXT, "sendmsg");
    *(void **)&msp_next.set_stack_size = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
}

void msp_next_find_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, look_up);
}
