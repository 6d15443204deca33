/* Roles by name. What a role may do is said in the route table, not here. */
#include "msp/role.h"

#include <stddef.h>
#include <string.h>

static const struct {
    enum msp_role role;
    const char *name;
} roles[] = {
    {MSP_ROLE_ADMIN, "admin"},
    {MSP_ROLE_MANAGER, "manager"},
    {MSP_ROLE_TECH, "tech"},
    {MSP_ROLE_CLIENT, "client"},
};

enum msp_role msp_role_parse(const char *name)
{
    for (size_t i = 0; name && i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(name, roles[i].name) == 0)
            return roles[i].role;
    return MSP_ROLE_NONE;
}

const char *msp_role_name(enum msp_role role)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (role == roles[i].role)
            return roles[i].name;
    return "none";
}
