/*
 * Which limits hold: for each class of routes up to three policies, all of which must be kept.
 * Written as "read=1200/60 write=120/60,2000/86400": class, then requests/seconds.
 */
#ifndef MSP_RATE_LIMITS_H
#define MSP_RATE_LIMITS_H

#include "msp/rate_windows.h"
#include "msp/result.h"

enum msp_limit_class {
    MSP_LIMIT_NONE, /* not counted */
    MSP_LIMIT_READ,
    MSP_LIMIT_WRITE,
    MSP_LIMIT_EXPORT,
    MSP_LIMIT_SERVICE,
    MSP_LIMIT_CLASSES,
};
const char *msp_limit_class_name(enum msp_limit_class limit_class); /* "read", … */

#define MSP_RATE_POLICIES_MOST     3
#define MSP_RATE_LIMITS_TEXT_BYTES 256

struct msp_rate_limits {
    struct {
        int count; /* 0 = no limit of its own */
        struct msp_rate_policy policies[MSP_RATE_POLICIES_MOST];
    } classes[MSP_LIMIT_CLASSES];
};

/* Those of RATE_LIMITS as it is shipped. */
struct msp_rate_limits msp_rate_limits_default(void);

/* Reads the text over *limits: a class it names is replaced, the others stay. MSP_INVALID says
 * what is wrong with which part; *limits is then unchanged. */
enum msp_result msp_rate_limits_parse(const char *text, struct msp_rate_limits *limits,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* Whether the text may be a tenant's own: the service token's class belongs to no tenant. */
enum msp_result msp_rate_limits_check_tenants(const char *text,
                                              struct msp_error *error) MSP_MUST_CHECK;

#endif
