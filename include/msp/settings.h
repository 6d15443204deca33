/*
 * Every setting is one row of one table; parser, check-config, show-config, the
 * sample file and the docs walk the same rows. The values are one flat struct
 * without pointers, so that it can be copied into shared memory and compared.
 * Precedence: command line, environment, env file, default.
 */
#ifndef MSP_SETTINGS_H
#define MSP_SETTINGS_H

#include "msp/buffer.h"
#include "msp/log.h"
#include "msp/rate_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_SETTINGS_TEXT_BYTES 1024
#define MSP_SETTINGS_LIST_BYTES 16384 /* hundreds of hosts */

struct msp_settings {
    char database_url[MSP_SETTINGS_TEXT_BYTES];
    char jobs_database_url[MSP_SETTINGS_TEXT_BYTES]; /* defaults to database_url */
    char migrate_database_url[MSP_SETTINGS_TEXT_BYTES];
    char redis_url[MSP_SETTINGS_TEXT_BYTES]; /* empty: single node, without Redis */
    char service_token[MSP_SETTINGS_TEXT_BYTES];
    char service_token_previous[MSP_SETTINGS_TEXT_BYTES];
    char jwt_secret[MSP_SETTINGS_TEXT_BYTES];
    char jwt_secret_previous[MSP_SETTINGS_TEXT_BYTES]; /* verifies, never signs */
    char jwt_issuer[256];
    char audit_secret[MSP_SETTINGS_TEXT_BYTES];          /* keys the audit log's chain */
    char audit_secret_previous[MSP_SETTINGS_TEXT_BYTES]; /* those before it, comma-separated */
    char secret_key[MSP_SETTINGS_TEXT_BYTES];            /* seals secrets of ticket sources */
    char secret_key_previous[MSP_SETTINGS_TEXT_BYTES];   /* opens those sealed before it */
    char listen[64];                                     /* host:port, IPv4 */
    char state_dir[MSP_SETTINGS_TEXT_BYTES];             /* sockets, lock, status board */
    char export_storage[MSP_SETTINGS_TEXT_BYTES];        /* file:///path or s3://bucket/prefix */
    char s3_endpoint[MSP_SETTINGS_TEXT_BYTES];           /* http(s)://host[:port] */
    char s3_region[64];
    char s3_access_key[256];
    char s3_secret_key[256];
    char mock_data_path[MSP_SETTINGS_TEXT_BYTES];
    char allowed_hosts[MSP_SETTINGS_TEXT_BYTES];   /* comma-separated names; empty: any well-formed
                                                      Host */
    char trusted_proxies[MSP_SETTINGS_TEXT_BYTES]; /* comma-separated IPv4 addresses or CIDR blocks
                                                    */
    char egress_allow[MSP_SETTINGS_LIST_BYTES];    /* see msp/egress_allow.h; empty: no callbacks */
    char callback_secret[256];                     /* signs callbacks */
    char callback_secret_previous[256];            /* signs them too while receivers change over */
    char slack_webhook_url[MSP_SETTINGS_TEXT_BYTES]; /* a secret as a whole */
    char smtp_url[MSP_SETTINGS_TEXT_BYTES];
    char smtp_user[256];
    char smtp_password[256];
    char smtp_from[256];
    bool smtp_starttls;
    char notify_to[MSP_SETTINGS_TEXT_BYTES];      /* addresses, comma-separated */
    char notify_allow[MSP_SETTINGS_TEXT_BYTES];   /* addresses and domains, comma-separated */
    char internal_allow[MSP_SETTINGS_TEXT_BYTES]; /* the same form; default 127.0.0.0/8 */
    char claude_api_key[MSP_SETTINGS_TEXT_BYTES]; /* empty: summaries are written by template */
    char claude_api_url[MSP_SETTINGS_TEXT_BYTES]; /* without /v1/messages */
    char claude_model[128];
    int summary_language;         /* enum msp_summary_language, where a caller names none */
    int summary_tokens_per_month; /* a tenant; past them the template writes */
    bool mock_mode;
    int auth_failures_per_minute; /* an address */
    char rate_limits[MSP_RATE_LIMITS_TEXT_BYTES];
    bool answer_cache;
    int http_workers;
    int http_threads;    /* a worker; one thread serves one connection */
    int http_memory_mib; /* a worker's requests */
    int db_pool_size;    /* connections a worker */
    int job_threads;
    int job_tenant_threads; /* of a lane, that one tenant's jobs may hold; 0: all but one */
    int sweep_hour;         /* of the tenant's day, from which on sources are swept */
    int job_history_days;   /* how long ended jobs are kept */
    int db_statement_timeout_seconds; /* of an HTTP request */
    int db_pool_wait_ms;
    int keep_alive_seconds;
    int drain_seconds;  /* how long a process that is asked to leave may finish its work */
    int max_body_bytes; /* of a JSON request */
    enum msp_log_level log_level;
    enum msp_log_format log_format;
    int log_hold_ms; /* of lines below warning, by HTTP workers; 0 = not at all */
};

/* When a changed value takes hold after SIGHUP. */
enum msp_setting_reload {
    MSP_RELOAD_AT_ONCE, /* read from shared memory a request */
    MSP_RELOAD_WORKERS, /* by workers started anew, the old ones finishing first */
    MSP_RELOAD_RESTART, /* only by restarting the master; named in the log */
};

/* Where values come from. All members may be NULL. */
struct msp_settings_sources {
    const char *env_file;         /* path of NAME=value lines */
    char *const *environment;     /* "NAME=value" texts, closed by NULL */
    const char *const *arguments; /* "NAME=value" texts of the command line, closed by NULL */
};

/* Receives each thing that is wrong or odd, one sentence each, with file and line where known. */
typedef void (*msp_settings_complain)(void *context, bool is_error, const char *sentence);

/*
 * Builds a whole new set of values. Every fault is complained of, not only the first;
 * with at least one fault it returns MSP_INVALID and *out is untouched. NAME_FILE=/path
 * reads a value from a file (one trailing newline dropped). An empty value stands for the default.
 * Unknown names are warnings in the env file (but those starting with MSP_) and ignored in the
 * environment. `required` names the settings that must not be empty for the command at hand, closed
 * by NULL.
 */
enum msp_result msp_settings_load(const struct msp_settings_sources *sources,
                                  const char *const *required, msp_settings_complain complain,
                                  void *context, struct msp_settings *out) MSP_MUST_CHECK;

/*
 * STATE_DIR alone, however wrong the other settings are: for commands that talk to a server that
 * runs already and may be about to say what is wrong. MSP_INVALID if STATE_DIR itself is at fault.
 */
enum msp_result msp_settings_find_state_dir(const struct msp_settings_sources *sources, char *out,
                                            size_t size) MSP_MUST_CHECK;

/* Appends NAME=value lines of all settings with their origin left out and secrets masked as
 * "********" ("" when unset). */
void msp_settings_show(const struct msp_settings *settings, bool as_json, struct msp_buffer *out);

/* Appends a sample env file: each row with its help, unit, bounds and default, commented out. */
void msp_settings_sample(struct msp_buffer *out);

/* Appends the page of ops/docs/settings.md: the same as a table in Markdown. */
void msp_settings_markdown(struct msp_buffer *out);

/* Tells every setting in the order of the sample: its name, its default ("" = none) and what there
 * is to know of it. Texts live for the call. */
typedef void (*msp_settings_hear)(void *context, const char *name, const char *initial,
                                  const char *meaning);
void msp_settings_tell(msp_settings_hear hear, void *context);

/*
 * Calls `visit` for every setting whose value differs: its name, when it takes hold, and both
 * values as text (secrets masked). Returns how many differ.
 */
typedef void (*msp_settings_visit)(void *context, const char *name, enum msp_setting_reload reload,
                                   const char *before, const char *after);
int msp_settings_compare(const struct msp_settings *before, const struct msp_settings *after,
                         msp_settings_visit visit, void *context);

/* Puts back into *after the values of `before` that only a restart may change, so that *after can
 * be let in. */
void msp_settings_keep_restart(const struct msp_settings *before, struct msp_settings *after);

#endif
