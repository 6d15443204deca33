/* Reads limits as people write them. Counts nothing. */
#include "msp/rate_limits.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_WINDOW_SECONDS (31 * 86400)

static const char *const class_names[MSP_LIMIT_CLASSES] = {
    [MSP_LIMIT_NONE] = "none",     [MSP_LIMIT_READ] = "read",       [MSP_LIMIT_WRITE] = "write",
    [MSP_LIMIT_EXPORT] = "export", [MSP_LIMIT_SERVICE] = "service",
};

const char *msp_limit_class_name(enum msp_limit_class limit_class)
{
    return class_names[limit_class];
}

static enum msp_result malformed(const char *part, size_t length, const char *why,
                                 struct msp_error *error)
{
    return msp_fail(error, MSP_INVALID, "limits_malformed",
                    "\"%.*s\" is no limit: %s. Write class=requests/seconds, such as read=1200/60; "
                    "classes are read, write, export and service.",
                    (int)(length < 60 ? length : 60), part, why);
}

static bool find_class(const char *name, size_t length, enum msp_limit_class *out)
{
    for (int i = MSP_LIMIT_READ; i < MSP_LIMIT_CLASSES; i++) {
        if (strlen(class_names[i]) == length && strncmp(class_names[i], name, length) == 0) {
            *out = (enum msp_limit_class)i;
            return true;
        }
    }
    return false;
}

/* A whole number from 1 to `most`; *text moves behind it. */
static bool read_number(const char **text, int64_t most, int32_t *out)
{
    int64_t value = 0;
    const char *at = *text;
    while (*at >= '0' && *at <= '9' && value <= most)
        value = value * 10 + (*at++ - '0');
    if (at == *text || value < 1 || value > most)
        return false;
    *text = at;
    *out = (int32_t)value;
    return true;
}

static bool read_policy(const char **text, struct msp_rate_policy *out)
{
    if (!read_number(text, MSP_RATE_LIMIT_MOST, &out->limit) || **text != '/')
        return false;
    ++*text;
    return read_number(text, LONGEST_WINDOW_SECONDS, &out->window_seconds);
}

/* One part, "read=1200/60,20000/3600". */
static enum msp_result read_part(const char *part, size_t length, struct msp_rate_limits *limits,
                                 struct msp_error *error)
{
    const char *equals = memchr(part, '=', length);
    enum msp_limit_class limit_class;
    if (equals == NULL || !find_class(part, (size_t)(equals - part), &limit_class))
        return malformed(part, length, "it begins with no class that is known", error);
    const char *at = equals + 1;
    int count = 0;
    struct msp_rate_policy policies[MSP_RATE_POLICIES_MOST];
    do {
        at += count > 0;
        if (count == MSP_RATE_POLICIES_MOST)
            return malformed(part, length, "a class has three policies at most", error);
        if (!read_policy(&at, &policies[count]))
            return malformed(part, length,
                             "a policy is a number of requests, a slash and a number of seconds",
                             error);
        for (int i = 0; i < count; i++)
            if (policies[i].window_seconds == policies[count].window_seconds)
                return malformed(part, length, "two policies of a class have one window", error);
        count++;
    } while (at < part + length && *at == ',');
    if (at != part + length)
        return malformed(part, length, "something stands behind the last policy", error);
    limits->classes[limit_class].count = count;
    memcpy(limits->classes[limit_class].policies, policies, (size_t)count * sizeof policies[0]);
    return MSP_OK;
}

struct msp_rate_limits msp_rate_limits_default(void)
{
    struct msp_rate_limits limits = {0};
    limits.classes[MSP_LIMIT_READ].count = 1;
    limits.classes[MSP_LIMIT_READ].policies[0] = (struct msp_rate_policy){6000, 60};
    limits.classes[MSP_LIMIT_WRITE].count = 1;
    limits.classes[MSP_LIMIT_WRITE].policies[0] = (struct msp_rate_policy){300, 60};
    limits.classes[MSP_LIMIT_EXPORT].count = 1;
    limits.classes[MSP_LIMIT_EXPORT].policies[0] = (struct msp_rate_policy){120, 60};
    limits.classes[MSP_LIMIT_SERVICE].count = 1;
    limits.classes[MSP_LIMIT_SERVICE].policies[0] = (struct msp_rate_policy){6000, 60};
    return limits;
}

enum msp_result msp_rate_limits_parse(const char *text, struct msp_rate_limits *limits,
                                      struct msp_error *error)
{
    struct msp_rate_limits read = *limits;
    if (strlen(text) >= MSP_RATE_LIMITS_TEXT_BYTES)
        return msp_fail(error, MSP_INVALID, "limits_too_long",
                        "Limits may be %d characters long at most.",
                        MSP_RATE_LIMITS_TEXT_BYTES - 1);
    for (const char *at = text + strspn(text, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        enum msp_result result = read_part(at, length, &read, error);
        if (result != MSP_OK)
            return result;
        at += length;
    }
    *limits = read;
    return MSP_OK;
}

enum msp_result msp_rate_limits_check_tenants(const char *text, struct msp_error *error)
{
    struct msp_rate_limits limits = {0};
    enum msp_result result = msp_rate_limits_parse(text, &limits, error);
    if (result == MSP_OK && limits.classes[MSP_LIMIT_SERVICE].count > 0)
        return msp_fail(error, MSP_INVALID, "limits_of_no_tenant",
                        "\"service\" is the service token's class and belongs to no tenant; set it "
                        "in RATE_LIMITS.");
    return result;
}
