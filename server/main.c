/* The program's door: the table of commands. What they do is written in the files of their names.
 */
#include "command.h"
#include "process_title.h"

#include <stdio.h>
#include <string.h>

static const struct msp_command_option check_config_options[] = {
    {"database", NULL, false, "sign in to PostgreSQL too, and look whether its schema fits"},
    {0},
};

static const struct msp_command_option show_config_options[] = {
    {"sample", NULL, false, "print a sample env file with every setting explained"},
    {"markdown", NULL, false, "print the same as a page of Markdown"},
    {0},
};

static const struct msp_command_option tenant_add_options[] = {
    {"name", "NAME", true, "the name people see"},
    {"timezone", "ZONE", true, "IANA time zone, such as Europe/Paris"},
    {"source", "SOURCE", false, "where tickets are pulled from; without it they are pushed"},
    {"limits", "LIMITS", false, "limits of its own over RATE_LIMITS, such as \"read=600/60\""},
    {0},
};

static const struct msp_command_option tenant_set_options[] = {
    {"name", "NAME", false, "the name people see"},
    {"timezone", "ZONE", false, "IANA time zone; every day of the tenant is computed again"},
    {"source", "SOURCE", false, "where tickets are pulled from; \"\" = they are pushed"},
    {"limits", "LIMITS", false, "limits of its own over RATE_LIMITS; \"\" = none of its own"},
    {0},
};

#define PASSWORD_OPTIONS                                                                           \
    {"password-stdin", NULL, false, "read the password from standard input, one line"},            \
    {                                                                                              \
        "generate-password", NULL, false, "make a random password and print it, this once"         \
    }

static const struct msp_command_option user_add_options[] = {
    {"name", "NAME", true, "the name people see"},
    {"role", "ROLE", true, "admin, manager, tech or client"},
    {"tenant", "TENANT", false, "whose data they see; not with the role admin"},
    PASSWORD_OPTIONS,
    {0},
};

static const struct msp_command_option user_password_options[] = {
    PASSWORD_OPTIONS,
    {0},
};

static const struct msp_command_option user_list_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all"},
    {0},
};

static const struct msp_command_option key_create_options[] = {
    {"tenant", "TENANT", true, "whose data it opens"},
    {"role", "ROLE", true, "manager, tech or client"},
    {"name", "NAME", true, "what it is for; two active keys may share a name, for changing over"},
    {"expires", "TIME", false, "a day (good through it, UTC) or an RFC 3339 time; never without"},
    {0},
};

static const struct msp_command_option key_list_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all"},
    {0},
};

static const struct msp_command_option token_options[] = {
    {"role", "ROLE", true, "admin, manager, tech or client"},
    {"tenant", "TENANT", false, "whose data it opens; not with the role admin"},
    {"subject", "NAME", false, "who holds it; shown in logs"},
    {"ttl", "SECONDS", false, "how long it is good (3600)"},
    {0},
};

#define WAIT_OPTIONS                                                                               \
    {"wait", NULL, false, "wait for the end and print the result (does so without this too)"},     \
        {"no-wait", NULL, false, "print the job and return at once"},                              \
    {                                                                                              \
        "timeout", "SECONDS", false, "wait no longer than this (3600)"                             \
    }

static const struct msp_command_option ingest_options[] = {
    {"tenant", "TENANT", true, "whose source is pulled"},
    WAIT_OPTIONS,
    {0},
};

static const struct msp_command_option source_set_options[] = {
    {"kind", "KIND", true, "which system; msp-analytics source kinds lists them and their options"},
    {"option", "NAME=VALUE...", false, "how to reach it, such as url=https://desk.example.com"},
    {"secret", "NAME...", false, "asked for on the terminal, or a line of standard input each"},
    {"secret-file", "NAME=FILE...", false, "the same out of a file"},
    {0},
};

static const struct msp_command_option source_test_options[] = {
    WAIT_OPTIONS,
    {0},
};

static const struct msp_command_option source_sweep_options[] = {
    {"force", NULL, false, "also when more than half of the tickets are gone"},
    WAIT_OPTIONS,
    {0},
};

static const struct msp_command_option source_kinds_options[] = {
    {"kind", "KIND", false, "one of them; without it all"},
    {"markdown", NULL, false, "print all as a page of Markdown"},
    {0},
};

static const struct msp_command_option kpi_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all"},
    {"date", "DAY", false, "one local day; without it the last ended one"},
    {"from", "DAY", false, "first day of a range"},
    {"to", "DAY", false, "last day of a range"},
    WAIT_OPTIONS,
    {0},
};

static const struct msp_command_option export_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all"},
    {"from", "DAY", false, "first day of a range; without a range what changed"},
    {"to", "DAY", false, "last day of a range"},
    {"force", NULL, false, "export days that are not complete too"},
    WAIT_OPTIONS,
    {0},
};

static const struct msp_command_option job_list_options[] = {
    {"state", "STATE", false, "queued, running, succeeded, failed or cancelled"},
    {"kind", "KIND", false, "kpi, export, ingest, …"},
    {"tenant", "TENANT", false, "one tenant; without it all"},
    {"limit", "N", false, "how many, newest first (20)"},
    {0},
};

static const struct msp_command_option job_watch_options[] = {
    {"timeout", "SECONDS", false, "watch no longer than this (3600)"},
    {0},
};

static const struct msp_command_option audit_list_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all, and lines of none"},
    {"from", "DAY", false, "first day, in UTC"},
    {"to", "DAY", false, "last day, in UTC"},
    {"action", "ACTION", false, "tenant.change, key.create, sign_in, …"},
    {"actor", "NAME", false, "who did it"},
    {"limit", "N", false, "how many, newest first (50)"},
    {0},
};

static const struct msp_command_option audit_verify_options[] = {
    {"tenant", "TENANT", false, "one tenant; without it all, and lines of none"},
    {0},
};

static const struct msp_command_option tenant_export_options[] = {
    {"out", "DIR", true, "the folder to make; a file of JSON lines a table, and manifest.json"},
    {0},
};

static const struct msp_command_option tenant_erase_options[] = {
    {"confirm", "TENANT", true, "the same again: nothing brings it back"},
    {"timeout", "SECONDS", false, "wait no longer than this for jobs and files (3600)"},
    {0},
};

static const struct msp_command_option tenant_erase_person_options[] = {
    {"who", "TEXT", true, "the name or e-mail, exactly as tickets hold it, but for case"},
    {"timeout", "SECONDS", false, "wait no longer than this for exports to be written anew (3600)"},
    {0},
};

static const struct msp_command tenant_commands[] = {
    {"add", "TENANT", "Adds a tenant under its slug (a-z, 0-9 and -).", tenant_add_options, NULL,
     msp_command_tenant_add},
    {"list", NULL, "Lists all tenants.", NULL, NULL, msp_command_tenant_list},
    {"set", "TENANT", "Changes what is given.", tenant_set_options, NULL, msp_command_tenant_set},
    {"disable", "TENANT", "Shuts a tenant out and keeps its data.", NULL, NULL,
     msp_command_tenant_disable},
    {"enable", "TENANT", "Lets a disabled tenant in again.", NULL, NULL, msp_command_tenant_enable},
    {"export", "TENANT", "Hands out all that is stored of a tenant, but for secrets.",
     tenant_export_options, NULL, msp_command_tenant_export},
    {"erase", "TENANT", "Erases a tenant with all its data, files and people, for ever.",
     tenant_erase_options, NULL, msp_command_tenant_erase},
    {"erase-person", "TENANT", "Takes one person out of a tenant's tickets, KPIs, users and audit.",
     tenant_erase_person_options, NULL, msp_command_tenant_erase_person},
    {0},
};

static const struct msp_command user_commands[] = {
    {"add", "EMAIL", "Adds somebody who may sign in.", user_add_options, NULL,
     msp_command_user_add},
    {"list", NULL, "Lists users by their e-mails.", user_list_options, NULL, msp_command_user_list},
    {"set-password", "EMAIL", "Sets a new password and ends the user's sessions.",
     user_password_options, NULL, msp_command_user_set_password},
    {"disable", "EMAIL", "Shuts a user out on every node within a second.", NULL, NULL,
     msp_command_user_disable},
    {"enable", "EMAIL", "Lets a disabled user sign in again.", NULL, NULL, msp_command_user_enable},
    {0},
};

static const struct msp_command key_commands[] = {
    {"create", NULL, "Makes an API key and prints it, this once.", key_create_options, NULL,
     msp_command_key_create},
    {"list", NULL, "Lists API keys by their ids.", key_list_options, NULL, msp_command_key_list},
    {"revoke", "ID", "Ends an API key on every node within a second.", NULL, NULL,
     msp_command_key_revoke},
    {0},
};

static const struct msp_command ingest_commands[] = {
    {"pull", NULL, "Pulls a tenant's tickets from its source until it is drained.", ingest_options,
     NULL, msp_command_ingest_pull},
    {0},
};

static const struct msp_command source_commands[] = {
    {"set", "TENANT", "Says where a tenant's tickets are pulled from, and how to sign in there.",
     source_set_options, NULL, msp_command_source_set},
    {"test", "TENANT", "Tries a tenant's source and tells in one line what came of it.",
     source_test_options, NULL, msp_command_source_test},
    {"show", "TENANT", "Shows what is set, secrets only as set or not, and how fresh it is.", NULL,
     NULL, msp_command_source_show},
    {"list", NULL, "Lists the sources of all tenants and how fresh each is.", NULL, NULL,
     msp_command_source_list},
    {"sweep", "TENANT", "Takes out tickets that were deleted in the source, as each night.",
     source_sweep_options, NULL, msp_command_source_sweep},
    {"kinds", NULL, "Lists the systems tickets can be pulled from, and their options.",
     source_kinds_options, NULL, msp_command_source_kinds},
    {"reseal", NULL, "Encrypts all secrets anew under SECRET_KEY, after it was changed.", NULL,
     NULL, msp_command_source_reseal},
    {0},
};

static const struct msp_command kpi_commands[] = {
    {"compute", NULL, "Computes daily KPIs, and days that late data made dirty.", kpi_options, NULL,
     msp_command_kpi_compute},
    {0},
};

static const struct msp_command export_commands[] = {
    {"generate", NULL, "Writes CSV files to the export storage.", export_options, NULL,
     msp_command_export_generate},
    {0},
};

static const struct msp_command job_commands[] = {
    {"list", NULL, "Lists jobs, newest first.", job_list_options, NULL, msp_command_job_list},
    {"show", "ID", "Shows one job.", NULL, NULL, msp_command_job_show},
    {"watch", "ID", "Follows a job until it ends and prints its result.", job_watch_options, NULL,
     msp_command_job_watch},
    {"cancel", "ID", "Ends a job that is queued, and asks one that runs to stop.", NULL, NULL,
     msp_command_job_cancel},
    {"retry", "ID", "Queues a failed or cancelled job again.", NULL, NULL, msp_command_job_retry},
    {0},
};

static const struct msp_command audit_commands[] = {
    {"list", NULL, "Shows who did what, newest first.", audit_list_options, NULL,
     msp_command_audit_list},
    {"verify", NULL, "Checks that no line was changed, taken out or put in.", audit_verify_options,
     NULL, msp_command_audit_verify},
    {"erase", "ID", "Blanks for ever what may name a person in a line, and leaves a line.", NULL,
     NULL, msp_command_audit_erase},
    {0},
};

static const struct msp_command commands[] = {
    {"serve", NULL, "Runs the server in the foreground until SIGTERM.", NULL, NULL,
     msp_command_serve},
    {"migrate", NULL, "Brings the database to this program's schema.", NULL, NULL,
     msp_command_migrate},
    {"check-config", NULL, "Says everything that is wrong with the settings.", check_config_options,
     NULL, msp_command_check_config},
    {"show-config", NULL, "Prints the settings, secrets masked.", show_config_options, NULL,
     msp_command_show_config},
    {"reload", NULL, "Asks the running server to read its settings again.", NULL, NULL,
     msp_command_reload},
    {"status", NULL, "Shows processes, health, jobs and how fresh sources are.", NULL, NULL,
     msp_command_status},
    {"tenant", NULL, "Tenants: add, list, set, disable, enable, export, erase, erase-person.", NULL,
     tenant_commands, NULL},
    {"user", NULL, "People who sign in: add, list, set-password, disable, enable.", NULL,
     user_commands, NULL},
    {"key", NULL, "API keys: create, list, revoke.", NULL, key_commands, NULL},
    {"token", NULL, "Prints a signed token for the HTTP API.", token_options, NULL,
     msp_command_token},
    {"source", NULL, "Where tickets are pulled from: set, test, show, list, sweep, kinds, reseal.",
     NULL, source_commands, NULL},
    {"ingest", NULL, "Tickets: pull.", NULL, ingest_commands, NULL},
    {"kpi", NULL, "KPIs: compute.", NULL, kpi_commands, NULL},
    {"export", NULL, "Exports: generate.", NULL, export_commands, NULL},
    {"job", NULL, "Jobs: list, show, watch, cancel, retry.", NULL, job_commands, NULL},
    {"audit", NULL, "The audit log: list, verify, erase.", NULL, audit_commands, NULL},
    {"version", NULL, "Prints the program's version.", NULL, NULL, msp_command_version},
    {0},
};

int msp_command_version(const struct msp_invocation *invocation)
{
    (void)printf(invocation->json ? "{\"version\":\"%s\"}\n" : "msp-analytics %s\n", MSP_VERSION);
    return MSP_COMMAND_DONE;
}

int main(int argc, char **argv)
{
    msp_process_title_init(argc, argv);
    int code = MSP_COMMAND_DONE;
    if (argc == 2 && strcmp(argv[1], "--man") == 0)
        msp_command_print_manual(commands);
    else
        code = msp_command_run(commands, argc, argv);
    if (fflush(stdout) != 0) {
        perror("msp-analytics: cannot write to standard output");
        return MSP_COMMAND_FAILED;
    }
    return code;
}
