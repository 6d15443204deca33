/*
 * What a command of the command line is: a row with its words, its options and its function.
 * Parser, usage and --help all read the same rows. Commands print to standard output, complaints go
 * to standard error.
 */
#ifndef MSP_COMMAND_H
#define MSP_COMMAND_H

#include "msp/result.h"
#include "msp/settings.h"

#include <stdbool.h>

/* The exit codes of the program. */
enum msp_command_exit {
    MSP_COMMAND_DONE = 0,
    MSP_COMMAND_FAILED = 1,
    MSP_COMMAND_WRONG = 2 /* wrong usage or wrong configuration */
};

#define MSP_COMMAND_OPTIONS  12
#define MSP_COMMAND_SETTINGS 64
#define MSP_COMMAND_REPEATED 64

struct msp_command_option {
    const char *name;     /* without its dashes; NULL closes the list */
    const char *argument; /* what its value is called in the usage; NULL = a flag. With "..." at its
                             end it may be given several times: read with msp_invocation_next */
    bool required;
    const char *help;
};

struct msp_invocation;

/* Either `below` (a group of commands) or `run` is set. */
struct msp_command {
    const char *name;     /* one word; NULL closes a table */
    const char *argument; /* the name of its one argument without dashes; NULL = takes none */
    const char *summary;
    const struct msp_command_option *options; /* NULL = the common ones only */
    const struct msp_command *below;
    int (*run)(const struct msp_invocation *invocation);
};

/* One command as it was typed. Texts belong to main's argv. */
struct msp_invocation {
    const struct msp_command *command;
    char path[64]; /* "tenant add" */
    const char *argument;
    const char
        *values[MSP_COMMAND_OPTIONS]; /* beside command->options; a given flag holds its name */
    /* Options that repeat, in the order they were given. */
    struct {
        const struct msp_command_option *option;
        const char *value;
    } repeated[MSP_COMMAND_REPEATED];
    size_t repeated_count;
    const char *env_file;
    bool json;
    const char *settings[MSP_COMMAND_SETTINGS + 1]; /* "NAME=value" of --set, closed by NULL */
};

/* Options that every command has. */
extern const struct msp_command_option msp_command_common_options[];

/* Prints the manual page msp-analytics(1) out of the rows of `table` and of the settings. */
void msp_command_print_manual(const struct msp_command *table);

/* Finds the command in `table`, parses its options and runs it; the result is the exit code. */
int msp_command_run(const struct msp_command *table, int argc, char **argv);

/* The value of an option, NULL if it was not given. The name must be one of the command's. */
const char *msp_invocation_option(const struct msp_invocation *invocation, const char *name);

/* The next value of an option that repeats, from *at on, which begins with 0; NULL behind the last.
 */
const char *msp_invocation_next(const struct msp_invocation *invocation, const char *name,
                                size_t *at);

/* Prints "msp-analytics PATH: sentence" to standard error. */
void msp_invocation_complain(const struct msp_invocation *invocation, const char *format, ...)
    MSP_PRINTF(2, 3);

/* Complains, adds the command's usage and returns MSP_COMMAND_WRONG. */
int msp_invocation_misused(const struct msp_invocation *invocation, const char *format, ...)
    MSP_PRINTF(2, 3);

/* Where this invocation's settings come from. Borrows from `invocation`. */
void msp_invocation_sources(const struct msp_invocation *invocation,
                            struct msp_settings_sources *out);

/* Loads the settings and prints every fault and warning; MSP_INVALID: the command ends with
 * MSP_COMMAND_WRONG. */
enum msp_result msp_invocation_settings(const struct msp_invocation *invocation,
                                        const char *const *required,
                                        struct msp_settings *out) MSP_MUST_CHECK;

/* A whole number between `least` and `most`; `value` NULL gives `otherwise`. False after a
 * complaint. */
bool msp_invocation_number(const struct msp_invocation *invocation, const char *name, long least,
                           long most, long otherwise, long *out) MSP_MUST_CHECK;

/* False after a complaint if the option was given and is not a calendar day. */
bool msp_invocation_day_is_fine(const struct msp_invocation *invocation,
                                const char *name) MSP_MUST_CHECK;

/* The functions of the rows in main.c. */
int msp_command_serve(const struct msp_invocation *invocation);
int msp_command_migrate(const struct msp_invocation *invocation);
int msp_command_check_config(const struct msp_invocation *invocation);
int msp_command_show_config(const struct msp_invocation *invocation);
int msp_command_reload(const struct msp_invocation *invocation);
int msp_command_status(const struct msp_invocation *invocation);
int msp_command_tenant_add(const struct msp_invocation *invocation);
int msp_command_tenant_list(const struct msp_invocation *invocation);
int msp_command_tenant_set(const struct msp_invocation *invocation);
int msp_command_tenant_disable(const struct msp_invocation *invocation);
int msp_command_tenant_enable(const struct msp_invocation *invocation);
int msp_command_tenant_export(const struct msp_invocation *invocation);
int msp_command_tenant_erase(const struct msp_invocation *invocation);
int msp_command_tenant_erase_person(const struct msp_invocation *invocation);
int msp_command_user_add(const struct msp_invocation *invocation);
int msp_command_user_list(const struct msp_invocation *invocation);
int msp_command_user_set_password(const struct msp_invocation *invocation);
int msp_command_user_disable(const struct msp_invocation *invocation);
int msp_command_user_enable(const struct msp_invocation *invocation);
int msp_command_key_create(const struct msp_invocation *invocation);
int msp_command_key_list(const struct msp_invocation *invocation);
int msp_command_key_revoke(const struct msp_invocation *invocation);
int msp_command_token(const struct msp_invocation *invocation);
int msp_command_ingest_pull(const struct msp_invocation *invocation);
int msp_command_source_set(const struct msp_invocation *invocation);
int msp_command_source_test(const struct msp_invocation *invocation);
int msp_command_source_show(const struct msp_invocation *invocation);
int msp_command_source_list(const struct msp_invocation *invocation);
int msp_command_source_sweep(const struct msp_invocation *invocation);
int msp_command_source_kinds(const struct msp_invocation *invocation);
int msp_command_source_reseal(const struct msp_invocation *invocation);
int msp_command_kpi_compute(const struct msp_invocation *invocation);
int msp_command_export_generate(const struct msp_invocation *invocation);
int msp_command_job_list(const struct msp_invocation *invocation);
int msp_command_job_show(const struct msp_invocation *invocation);
int msp_command_job_watch(const struct msp_invocation *invocation);
int msp_command_job_cancel(const struct msp_invocation *invocation);
int msp_command_job_retry(const struct msp_invocation *invocation);
int msp_command_audit_list(const struct msp_invocation *invocation);
int msp_command_audit_verify(const struct msp_invocation *invocation);
int msp_command_audit_erase(const struct msp_invocation *invocation);
int msp_command_version(const struct msp_invocation *invocation);

/* What `serve` cannot do without; check-config asks for the same. */
extern const char *const msp_command_serve_needs[];

#endif
