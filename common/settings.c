/*
 * Gathers settings from the env file, the environment and the command line and
 * builds a whole new set of them, or none. It prints nothing and applies nothing.
 */
#include "msp/settings.h"

#include "env_file.h"
#include "settings_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In order of precedence; the later one wins. */
enum source { FROM_NOWHERE, FROM_ENV_FILE, FROM_ENVIRONMENT, FROM_COMMAND_LINE };

/* What was said about one setting, by the source that wins so far. */
struct given {
    enum source source;
    int line;
    bool is_path; /* by NAME_FILE */
    bool is_set;  /* a value other than the default was stored */
    bool faulty;
    const char *text; /* in the env file's content, the environment or the arguments */
};

struct loader {
    const char *env_file;
    msp_settings_complain complain;
    void *context;
    int faults;
    struct given *given; /* one a row of the table */
    struct msp_settings built;
};

static MSP_PRINTF(5, 0) void say(struct loader *loader, bool is_error, enum source source, int line,
                                 const char *format, va_list arguments)
{
    char what[512];
    char sentence[1024];
    (void)vsnprintf(what, sizeof what, format, arguments);
    if (source == FROM_ENV_FILE && line > 0) {
        (void)snprintf(sentence, sizeof sentence, "%.400s:%d: %s.", loader->env_file, line, what);
    } else if (source == FROM_ENVIRONMENT || source == FROM_COMMAND_LINE) {
        (void)snprintf(sentence, sizeof sentence, "%s: %s.",
                       source == FROM_ENVIRONMENT ? "environment" : "command line", what);
    } else {
        (void)snprintf(sentence, sizeof sentence, "%s.", what);
    }
    if (is_error) {
        loader->faults++;
    }
    if (loader->complain != NULL) {
        loader->complain(loader->context, is_error, sentence);
    }
}

static MSP_PRINTF(4, 5) void fault(struct loader *loader, enum source source, int line,
                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(loader, true, source, line, format, arguments);
    va_end(arguments);
}

static MSP_PRINTF(3, 4) void warn(struct loader *loader, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(loader, false, FROM_ENV_FILE, line, format, arguments);
    va_end(arguments);
}

/* The row of NAME or of NAME_FILE. */
static const struct setting_row *find_row(const char *name, size_t length, bool *out_is_path)
{
    static const char suffix[] = "_FILE";
    size_t suffix_length = sizeof suffix - 1;
    const struct setting_row *row = setting_find(name, length);
    *out_is_path = false;
    if (row == NULL && length > suffix_length &&
        memcmp(name + length - suffix_length, suffix, suffix_length) == 0) {
        row = setting_find(name, length - suffix_length);
        *out_is_path = true;
    }
    return row;
}

static void complain_of_unknown(struct loader *loader, enum source source, int line,
                                const char *name, size_t length)
{
    int shown = length > 64 ? 64 : (int)length;
    if (source == FROM_COMMAND_LINE) {
        fault(loader, source, line, "there is no setting %.*s; show-config lists them all", shown,
              name);
    } else if (source == FROM_ENV_FILE && strncmp(name, "MSP_", 4) != 0) {
        warn(loader, line, "there is no setting %.*s, so the line has no effect", shown, name);
    }
}

static void take(struct loader *loader, enum source source, int line, const char *name,
                 size_t length, const char *text)
{
    bool is_path = false;
    const struct setting_row *row = find_row(name, length, &is_path);
    if (row == NULL) {
        complain_of_unknown(loader, source, line, name, length);
        return;
    }
    struct given *given = &loader->given[row - setting_rows];
    if (given->source == source && given->is_path != is_path) {
        fault(loader, source, line, "%s and %s_FILE are both given; keep one of them", row->name,
              row->name);
        given->faulty = true;
    } else if (given->source == source && source == FROM_ENV_FILE) {
        warn(loader, line, "%s was set on line %d already; this line wins", row->name, given->line);
    }
    given->source = source;
    given->line = line;
    given->is_path = is_path;
    given->text = text;
}

static void take_line(void *context, const struct env_file_line *line)
{
    struct loader *loader = context;
    if (line->name == NULL) {
        fault(loader, FROM_ENV_FILE, line->number, "the line %s", line->value);
        return;
    }
    take(loader, FROM_ENV_FILE, line->number, line->name, strlen(line->name), line->value);
}

static void take_texts(struct loader *loader, enum source source, const char *const *texts)
{
    for (; texts != NULL && *texts != NULL; texts++) {
        const char *equals = strchr(*texts, '=');
        if (equals != NULL) {
            take(loader, source, 0, *texts, (size_t)(equals - *texts), equals + 1);
        } else if (source == FROM_COMMAND_LINE) {
            fault(loader, source, 0, "\"%.64s\" is not NAME=value", *texts);
        }
    }
}

/* One newline at the end belongs to the file, not to the value. */
static void drop_final_newline(char *text)
{
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '\n') {
        text[length - 1] = '\0';
    }
}

static void store(struct loader *loader, const struct setting_row *row, const char *text)
{
    struct given *given = &loader->given[row - setting_rows];
    char reason[384];
    /* An empty value stands for the default, so that "REDIS_URL=" can undo what a lower source
     * says. */
    if (*text == '\0') {
        return;
    }
    if (setting_store(row, text, &loader->built, reason, sizeof reason)) {
        given->is_set = true;
        return;
    }
    given->faulty = true;
    fault(loader, given->source, given->line, "%s%s %s", row->name, given->is_path ? "_FILE" : "",
          reason);
}

static void store_from_file(struct loader *loader, const struct setting_row *row)
{
    struct given *given = &loader->given[row - setting_rows];
    struct msp_error error;
    struct env_file file = {.content = NULL};
    /* One byte for the newline that is dropped. */
    if (env_file_read(given->text, MSP_SETTINGS_LIST_BYTES, &file, &error) != MSP_OK) {
        given->faulty = true;
        fault(loader, given->source, given->line, "%s_FILE: cannot read %.200s: %.100s", row->name,
              given->text, error.detail);
        return;
    }
    drop_final_newline(file.content);
    store(loader, row, file.content);
    env_file_release(&file);
}

static void apply_row(struct loader *loader, const struct setting_row *row)
{
    struct given *given = &loader->given[row - setting_rows];
    char reason[384];
    if (given->faulty) {
        return;
    }
    if (given->source != FROM_NOWHERE && given->is_path && *given->text != '\0') {
        store_from_file(loader, row);
    } else if (given->source != FROM_NOWHERE) {
        store(loader, row, given->text);
    }
    if (!given->is_set && !given->faulty && *row->initial != '\0' &&
        !setting_store(row, row->initial, &loader->built, reason, sizeof reason)) {
        fault(loader, FROM_NOWHERE, 0, "%s: its default %s", row->name, reason);
    }
}

static void apply_all(struct loader *loader)
{
    for (size_t i = 0; i < setting_count; i++) {
        apply_row(loader, &setting_rows[i]);
    }
    for (size_t i = 0; i < setting_count; i++) {
        if (setting_rows[i].derive != NULL && !loader->given[i].is_set) {
            setting_rows[i].derive(&loader->built);
        }
    }
}

static void check_required(struct loader *loader, const char *const *required)
{
    for (; required != NULL && *required != NULL; required++) {
        const struct setting_row *row = setting_find(*required, strlen(*required));
        if (row == NULL) {
            fault(loader, FROM_NOWHERE, 0, "%s is required but there is no such setting",
                  *required);
        } else if (!loader->given[row - setting_rows].faulty &&
                   setting_is_empty(row, &loader->built)) {
            fault(loader, FROM_NOWHERE, 0,
                  "%s is required; set it in the environment or in the env file", row->name);
        }
    }
}

static void check_s3(struct loader *loader)
{
    static const char *const needed[] = {"S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const struct setting_row *row = setting_find(needed[i], strlen(needed[i]));
        if (row != NULL && !loader->given[row - setting_rows].faulty &&
            setting_is_empty(row, &loader->built)) {
            fault(loader, FROM_NOWHERE, 0,
                  "EXPORT_STORAGE is an s3:// address but %s is empty; set it", row->name);
        }
    }
}

static void check_together(struct loader *loader)
{
    if (loader->built.mock_mode && loader->built.mock_data_path[0] == '\0') {
        fault(loader, FROM_NOWHERE, 0,
              "MOCK_MODE is on but MOCK_DATA_PATH is empty; name the folder of the mock data");
    }
    if (strncmp(loader->built.export_storage, "s3://", 5) == 0) {
        check_s3(loader);
    }
    if (loader->built.smtp_url[0] != '\0' && loader->built.smtp_from[0] == '\0') {
        fault(loader, FROM_NOWHERE, 0,
              "SMTP_URL is set but SMTP_FROM is empty; name the address that mail comes from");
    }
}

static void take_env_file(struct loader *loader, struct env_file *file)
{
    struct msp_error error;
    if (loader->env_file == NULL) {
        return;
    }
    if (env_file_read(loader->env_file, ENV_FILE_MAX_BYTES, file, &error) != MSP_OK) {
        fault(loader, FROM_NOWHERE, 0, "cannot read the env file %.300s: %.100s", loader->env_file,
              error.detail);
        return;
    }
    env_file_parse(file->content, take_line, loader);
}

/* Everything that the sources say, into loader->built; faults are counted and complained of. */
static enum msp_result gather(struct loader *loader, const struct msp_settings_sources *sources,
                              const char *const *required)
{
    loader->env_file = sources->env_file;
    loader->given = calloc(setting_count, sizeof *loader->given);
    if (loader->given == NULL) {
        return MSP_NO_MEMORY;
    }
    struct env_file file = {.content = NULL}; /* the texts given lie in it */
    take_env_file(loader, &file);
    take_texts(loader, FROM_ENVIRONMENT, (const char *const *)sources->environment);
    take_texts(loader, FROM_COMMAND_LINE, sources->arguments);
    apply_all(loader);
    check_required(loader, required);
    check_together(loader);
    env_file_release(&file);
    return loader->faults == 0 ? MSP_OK : MSP_INVALID;
}

static void release(struct loader *loader)
{
    if (loader != NULL) {
        free(loader->given);
        explicit_bzero(loader, sizeof *loader);
        free(loader);
    }
}

enum msp_result msp_settings_load(const struct msp_settings_sources *sources,
                                  const char *const *required, msp_settings_complain complain,
                                  void *context, struct msp_settings *out)
{
    struct loader *loader = calloc(1, sizeof *loader);
    enum msp_result result = MSP_NO_MEMORY;
    if (loader != NULL) {
        loader->complain = complain;
        loader->context = context;
        result = gather(loader, sources, required);
    }
    if (result == MSP_OK) {
        *out = loader->built;
    }
    release(loader);
    return result;
}

enum msp_result msp_settings_find_state_dir(const struct msp_settings_sources *sources, char *out,
                                            size_t size)
{
    struct loader *loader = calloc(1, sizeof *loader);
    enum msp_result result = loader == NULL ? MSP_NO_MEMORY : gather(loader, sources, NULL);
    if (result == MSP_INVALID && loader->built.state_dir[0] != '\0') {
        result = MSP_OK; /* what is wrong is another setting */
    }
    if (result == MSP_OK) {
        (void)snprintf(out, size, "%s", loader->built.state_dir);
    }
    release(loader);
    return result;
}
