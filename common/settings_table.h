/* One row a setting. The loader, check-config, show-config, the sample file and the docs walk these
 * rows. */
#ifndef MSP_SETTINGS_TABLE_H
#define MSP_SETTINGS_TABLE_H

#include "msp/settings.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_SECRET,         /* minimum = least bytes when set */
    SETTING_SECRET_URL,     /* words = schemes; masked as a whole */
    SETTING_WEBHOOK_SECRET, /* "whsec_" and base64 of 24 to 64 bytes, or minimum = least bytes */
    SETTING_URL,            /* words = schemes; a password in it is masked when shown */
    SETTING_BOOL,
    SETTING_INT,          /* minimum, maximum, unit */
    SETTING_ENUM,         /* words in the order of the enum's values */
    SETTING_LISTEN,       /* IPv4 host:port */
    SETTING_DIRECTORY,    /* absolute path; maximum = most bytes */
    SETTING_STORAGE,      /* file:///absolute/path or s3://bucket/prefix */
    SETTING_ENDPOINT,     /* http(s)://host[:port] */
    SETTING_HOST_LIST,    /* comma-separated host names without ports */
    SETTING_MAIL_LIST,    /* comma-separated addresses; maximum = how many */
    SETTING_MAIL_RULES,   /* comma-separated addresses and domains */
    SETTING_EGRESS_LIST,  /* see msp/egress_allow.h */
    SETTING_RATE_LIMITS,  /* see msp/rate_limits.h */
    SETTING_ADDRESS_LIST, /* comma-separated IPv4 addresses and CIDR blocks */
};

struct setting_row {
    const char *name;
    enum setting_type type;
    enum msp_setting_reload reload;
    size_t offset;
    size_t size;
    const char *initial; /* value when none is given; may be "" */
    /* Sets the default that depends on other settings, once these are in; NULL for most. */
    void (*derive)(struct msp_settings *settings);
    const char *derived_from; /* that default for people: "number of cores" */
    int minimum;
    int maximum;
    const char *unit;         /* "seconds", or NULL */
    const char *const *words; /* closed by NULL */
    const char *help;         /* one line */
};

extern const struct setting_row setting_rows[];
extern const size_t setting_count;

/* The row of that name of `length` bytes, or NULL. */
const struct setting_row *setting_find(const char *name, size_t length);

#endif
