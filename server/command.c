/* Reads a command line against a table of commands. Knows nothing of what the commands do. */
#include "command.h"

#include "msp/timestamp.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct msp_command_option msp_command_common_options[] = {
    {"env-file", "FILE", false, "read settings from FILE (also MSP_ENV_FILE)"},
    {"set", "NAME=VALUE", false, "set one setting, before environment and file; may be repeated"},
    {"json", NULL, false, "print data as JSON"},
    {"help", NULL, false, "say this"},
    {0},
};

static void print_options(FILE *out, const struct msp_command_option *options)
{
    for (const struct msp_command_option *option = options; option->name != NULL; option++) {
        char left[48];
        (void)snprintf(left, sizeof(left), "--%s %s", option->name,
                       option->argument != NULL ? option->argument : "");
        (void)fprintf(out, "  %-24s %s\n", left, option->help);
    }
}

static void print_usage_line(FILE *out, const char *path, const struct msp_command *command)
{
    (void)fprintf(out, "usage: msp-analytics %s", path);
    if (command->argument != NULL)
        (void)fprintf(out, " %s", command->argument);
    const struct msp_command_option *option = command->options;
    for (; option != NULL && option->name != NULL; option++)
        (void)fprintf(out, option->required ? " --%s%s%s" : " [--%s%s%s]", option->name,
                      option->argument != NULL ? " " : "",
                      option->argument != NULL ? option->argument : "");
    (void)fprintf(out, " [--env-file FILE] [--set NAME=VALUE] [--json]\n");
}

static void print_help(const char *path, const struct msp_command *command)
{
    print_usage_line(stdout, path, command);
    (void)printf("\n%s\n\n", command->summary);
    if (command->options != NULL)
        print_options(stdout, command->options);
    print_options(stdout, msp_command_common_options);
}

static void print_commands(FILE *out, const char *path, const struct msp_command *table)
{
    (void)fprintf(out, "usage: msp-analytics %s%sCOMMAND [OPTIONS]\n\n", path,
                  path[0] == '\0' ? "" : " ");
    for (const struct msp_command *command = table; command->name != NULL; command++)
        (void)fprintf(out, "  %-14s %s\n", command->name, command->summary);
    (void)fprintf(out, "\nmsp-analytics %s%sCOMMAND --help says more.\n", path,
                  path[0] == '\0' ? "" : " ");
}

static MSP_PRINTF(2, 0) void complain(const char *path, const char *format, va_list values)
{
    (void)fprintf(stderr, "msp-analytics%s%s: ", path[0] == '\0' ? "" : " ", path);
    (void)vfprintf(stderr, format, values);
    (void)fputc('\n', stderr);
}

void msp_invocation_complain(const struct msp_invocation *invocation, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    complain(invocation->path, format, values);
    va_end(values);
}

int msp_invocation_misused(const struct msp_invocation *invocation, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    complain(invocation->path, format, values);
    va_end(values);
    print_usage_line(stderr, invocation->path, invocation->command);
    return MSP_COMMAND_WRONG;
}

const char *msp_invocation_option(const struct msp_invocation *invocation, const char *name)
{
    const struct msp_command_option *options = invocation->command->options;
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        if (strcmp(options[i].name, name) == 0)
            return invocation->values[i];
    }
    assert(!"an option that the command does not have");
    return NULL;
}

const char *msp_invocation_next(const struct msp_invocation *invocation, const char *name,
                                size_t *at)
{
    while (*at < invocation->repeated_count) {
        const size_t here = (*at)++;
        if (strcmp(invocation->repeated[here].option->name, name) == 0)
            return invocation->repeated[here].value;
    }
    return NULL;
}

/* The common options live in members of their own. False after a complaint. */
static bool take_common(struct msp_invocation *invocation, const char *name, const char *value)
{
    if (strcmp(name, "env-file") == 0) {
        invocation->env_file = value;
        return true;
    }
    if (strcmp(name, "json") == 0) {
        invocation->json = true;
        return true;
    }
    size_t count = 0;
    while (invocation->settings[count] != NULL)
        count++;
    if (count == MSP_COMMAND_SETTINGS || value == NULL || strchr(value, '=') == NULL) {
        (void)msp_invocation_misused(invocation, "--set takes NAME=VALUE, at most %d times",
                                     MSP_COMMAND_SETTINGS);
        return false;
    }
    invocation->settings[count] = value;
    return true;
}

static bool repeats(const struct msp_command_option *option)
{
    static const char mark[] = "...";
    const size_t length = option->argument != NULL ? strlen(option->argument) : 0;
    return length >= sizeof mark - 1 &&
           strcmp(option->argument + length - (sizeof mark - 1), mark) == 0;
}

static bool take_repeated(struct msp_invocation *invocation,
                          const struct msp_command_option *option, const char *value)
{
    if (invocation->repeated_count == MSP_COMMAND_REPEATED) {
        (void)msp_invocation_misused(invocation, "--%s is given too often", option->name);
        return false;
    }
    invocation->repeated[invocation->repeated_count].option = option;
    invocation->repeated[invocation->repeated_count++].value = value;
    return true;
}

static const struct msp_command_option *find_option(const struct msp_command_option *options,
                                                    const char *name, size_t length)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    }
    return NULL;
}

/* Takes the option at argv[*at], and its value if it has one. False after a complaint. */
static bool take_option(struct msp_invocation *invocation, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    const size_t length = strcspn(name, "=");
    const struct msp_command_option *own = invocation->command->options;
    const struct msp_command_option *option = find_option(own, name, length);
    const bool is_own = option != NULL;
    if (!is_own)
        option = find_option(msp_command_common_options, name, length);
    if (option == NULL) {
        (void)msp_invocation_misused(invocation, "there is no option %s", argv[*at]);
        return false;
    }
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option->argument == NULL && value != NULL) {
        (void)msp_invocation_misused(invocation, "--%s takes no value", option->name);
        return false;
    }
    if (option->argument != NULL && value == NULL) {
        if (*at + 1 >= argc) {
            (void)msp_invocation_misused(invocation, "--%s needs a value", option->name);
            return false;
        }
        value = argv[++*at];
    }
    if (!is_own)
        return take_common(invocation, option->name, value);
    if (repeats(option))
        return take_repeated(invocation, option, value);
    invocation->values[option - own] = value != NULL ? value : option->name;
    return true;
}

static bool has_all(const struct msp_invocation *invocation)
{
    const struct msp_command *command = invocation->command;
    if (command->argument != NULL && invocation->argument == NULL) {
        (void)msp_invocation_misused(invocation, "%s is missing", command->argument);
        return false;
    }
    for (size_t i = 0; command->options != NULL && command->options[i].name != NULL; i++) {
        if (command->options[i].required && invocation->values[i] == NULL) {
            (void)msp_invocation_misused(invocation, "--%s is missing", command->options[i].name);
            return false;
        }
    }
    return true;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(struct msp_invocation *invocation, int argc, char **argv)
{
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        if (!only_arguments && is_help(argv[i])) {
            print_help(invocation->path, invocation->command);
            return MSP_COMMAND_DONE;
        }
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(invocation, argc, argv, &i))
                return MSP_COMMAND_WRONG;
        } else if (invocation->command->argument == NULL || invocation->argument != NULL) {
            return msp_invocation_misused(invocation, "\"%s\" is one word too many", argv[i]);
        } else {
            invocation->argument = argv[i];
        }
    }
    if (!has_all(invocation))
        return MSP_COMMAND_WRONG;
    return invocation->command->run(invocation);
}

static const struct msp_command *find_command(const struct msp_command *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

int msp_command_run(const struct msp_command *table, int argc, char **argv)
{
    struct msp_invocation invocation = {0};
    for (int at = 1;; at++) {
        if (at >= argc) {
            print_commands(stderr, invocation.path, table);
            return MSP_COMMAND_WRONG;
        }
        if (is_help(argv[at])) {
            print_commands(stdout, invocation.path, table);
            return MSP_COMMAND_DONE;
        }
        const struct msp_command *command = find_command(table, argv[at]);
        if (command == NULL) {
            (void)fprintf(stderr, "msp-analytics%s%s: there is no command \"%s\"\n",
                          invocation.path[0] == '\0' ? "" : " ", invocation.path, argv[at]);
            print_commands(stderr, invocation.path, table);
            return MSP_COMMAND_WRONG;
        }
        const size_t length = strlen(invocation.path);
        (void)snprintf(invocation.path + length, sizeof(invocation.path) - length, "%s%s",
                       length == 0 ? "" : " ", command->name);
        if (command->below == NULL) {
            invocation.command = command;
            return run_command(&invocation, argc - at - 1, argv + at + 1);
        }
        table = command->below;
    }
}

void msp_invocation_sources(const struct msp_invocation *invocation,
                            struct msp_settings_sources *out)
{
    const char *file = invocation->env_file;
    if (file == NULL)
        file = getenv("MSP_ENV_FILE");
    out->env_file = file != NULL && file[0] != '\0' ? file : NULL;
    out->environment = environ;
    out->arguments = invocation->settings;
}

static void print_fault(void *context, bool is_error, const char *sentence)
{
    const struct msp_invocation *invocation = context;
    msp_invocation_complain(invocation, "%s%s", is_error ? "" : "warning: ", sentence);
}

enum msp_result msp_invocation_settings(const struct msp_invocation *invocation,
                                        const char *const *required, struct msp_settings *out)
{
    struct msp_settings_sources sources;
    msp_invocation_sources(invocation, &sources);
    struct msp_invocation copy = *invocation;
    return msp_settings_load(&sources, required, print_fault, &copy, out);
}

bool msp_invocation_number(const struct msp_invocation *invocation, const char *name, long least,
                           long most, long otherwise, long *out)
{
    const char *text = msp_invocation_option(invocation, name);
    if (text == NULL) {
        *out = otherwise;
        return true;
    }
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
        (void)msp_invocation_misused(invocation, "--%s must be a whole number from %ld to %ld",
                                     name, least, most);
        return false;
    }
    *out = value;
    return true;
}

bool msp_invocation_day_is_fine(const struct msp_invocation *invocation, const char *name)
{
    const char *text = msp_invocation_option(invocation, name);
    int32_t day = 0;
    if (text == NULL || msp_day_parse(text, strlen(text), &day))
        return true;
    (void)msp_invocation_misused(invocation, "--%s must be a day as YYYY-MM-DD, not \"%s\"", name,
                                 text);
    return false;
}
