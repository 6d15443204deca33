/* The four kinds of people. A set of roles is an OR of their bits. */
#ifndef MSP_ROLE_H
#define MSP_ROLE_H

#include <stdbool.h>

enum msp_role {
    MSP_ROLE_NONE = 0,
    MSP_ROLE_ADMIN = 1 << 0,   /* MSP staff: every tenant, and administration */
    MSP_ROLE_MANAGER = 1 << 1, /* the whole of one tenant */
    MSP_ROLE_TECH = 1 << 2,    /* one tenant's KPIs and tickets, technicians included */
    MSP_ROLE_CLIENT = 1 << 3,  /* one tenant's KPIs and tickets without technicians' names */
};

/* "admin", "manager", "tech", "client"; MSP_ROLE_NONE for any other text. */
enum msp_role msp_role_parse(const char *name);
const char *msp_role_name(enum msp_role role);

#endif
