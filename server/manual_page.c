/* The manual page msp-analytics(1) in roff, out of the same rows as --help. Knows no command by
 * name, so that it cannot tell of one that is not there. */
#include "command.h"

#include <stdio.h>

/* Text as roff prints it: no escape, no hyphen that a terminal could not paste, no line that begins
 * as a request. */
static void put(const char *text)
{
    for (bool line_begins = true; *text != '\0'; text++) {
        if (line_begins && (*text == '.' || *text == '\''))
            (void)fputs("\\&", stdout);
        line_begins = *text == '\n';
        if (*text == '\\')
            (void)fputs("\\e", stdout);
        else if (*text == '-')
            (void)fputs("\\-", stdout);
        else
            (void)putchar(*text);
    }
}

static void put_line(const char *text)
{
    put(text);
    (void)putchar('\n');
}

static void put_option(const struct msp_command_option *option)
{
    (void)fputs(".TP\n\\fB", stdout);
    put("--");
    put(option->name);
    (void)fputs("\\fR", stdout);
    if (option->argument != NULL) {
        (void)fputs(" \\fI", stdout);
        put(option->argument);
        (void)fputs("\\fR", stdout);
    }
    (void)printf("\n%s", option->required ? "Required: " : "");
    put_line(option->help);
}

static void put_options(const struct msp_command_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        put_option(options);
}

/* `path` ends with a blank, or is empty. */
static void put_commands(const char *path, const struct msp_command *table)
{
    for (const struct msp_command *command = table; command->name != NULL; command++) {
        char below[64];
        if (command->below != NULL) {
            (void)snprintf(below, sizeof(below), "%s%s ", path, command->name);
            put_commands(below, command->below);
            continue;
        }
        (void)fputs(".SS \"", stdout);
        put(path);
        put(command->name);
        if (command->argument != NULL)
            (void)printf(" %s", command->argument);
        (void)fputs("\"\n", stdout);
        put_line(command->summary);
        put_options(command->options);
    }
}

static void put_setting(void *context, const char *name, const char *initial, const char *meaning)
{
    (void)context;
    (void)fputs(".TP\n\\fB", stdout);
    put(name);
    (void)fputs("\\fR", stdout);
    if (initial[0] != '\0') {
        (void)fputs(" (", stdout);
        put(initial);
        (void)fputs(")", stdout);
    }
    (void)putchar('\n');
    put_line(meaning);
}

void msp_command_print_manual(const struct msp_command *table)
{
    (void)printf(".TH MSP\\-ANALYTICS 1 \"\" \"msp\\-analytics %s\" \"MSP Analytics\"\n",
                 MSP_VERSION);
    (void)fputs(".SH NAME\n"
                "msp\\-analytics \\- daily KPIs out of the support tickets of many tenants\n"
                ".SH SYNOPSIS\n"
                "\\fBmsp\\-analytics\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
                ".SH DESCRIPTION\n"
                "One program holds the server (\\fBserve\\fR) and all that is done to it from a "
                "shell. Tickets come in over HTTP or are pulled from ticket systems; KPIs, exports "
                "and summaries come out. PostgreSQL keeps everything.\n"
                ".PP\n"
                "Options stand behind the command. Its help is \\fBmsp\\-analytics\\fR "
                "\\fICOMMAND\\fR \\fB\\-\\-help\\fR.\n"
                ".SH COMMANDS\n",
                stdout);
    put_commands("", table);
    (void)fputs(".SH OPTIONS OF EVERY COMMAND\n", stdout);
    put_options(msp_command_common_options);
    (void)fputs(
        ".SH SETTINGS\n"
        "The command line (\\fB\\-\\-set\\fR) comes before the environment, that before the "
        "env file, that before the default, which stands in brackets here. Any of them may "
        "be given as \\fINAME\\fR_FILE=/path instead, which reads the value from a file.\n",
        stdout);
    msp_settings_tell(put_setting, NULL);
    (void)fputs(".SH ENVIRONMENT\n"
                ".TP\n\\fBMSP_ENV_FILE\\fR\nA file of settings, as \\-\\-env\\-file names it.\n"
                ".SH SIGNALS\n"
                "The master of a running server takes SIGHUP (read the settings again) and SIGTERM "
                "(finish what is in hand and end).\n"
                ".SH EXIT STATUS\n"
                "0 done, 1 failed, 2 wrong usage or wrong configuration.\n",
                stdout);
}
