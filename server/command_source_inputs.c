/* Reads options by the types of their kind's rows. Whether they make sense is judged by the store.
 */
#include "command_source_inputs.h"

#include "msp/json_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define NAME_BYTES   64
#define SECRET_BYTES 4096

static const struct msp_source_option *find_in(const struct msp_source_option *option,
                                               const char *name)
{
    for (; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

static const struct msp_source_option *find_option(const struct msp_source_kind *kind,
                                                   const char *name)
{
    const struct msp_source_option *own = find_in(kind->options, name);
    return own != NULL ? own : find_in(msp_source_common_options, name);
}

/* "name=value" in two. False after a complaint. */
static bool split(const struct msp_invocation *invocation, const char *option, const char *given,
                  char name[NAME_BYTES], const char **out_value)
{
    const size_t length = strcspn(given, "=");
    if (given[length] != '=' || length == 0 || length >= NAME_BYTES) {
        (void)msp_invocation_misused(invocation, "--%s takes NAME=VALUE", option);
        return false;
    }
    memcpy(name, given, length);
    name[length] = '\0';
    *out_value = given + length + 1;
    return true;
}

/* Numbers and objects are JSON already; what cannot be read is left a text, for the store to say
 * what it should be. */
static json_t *read_value(const struct msp_source_option *option, const char *text)
{
    char *end = NULL;
    json_t *object = NULL;
    struct msp_error error;
    if (option->type == MSP_SOURCE_NUMBER) {
        errno = 0;
        const long long number = strtoll(text, &end, 10);
        return errno == 0 && end != text && *end == '\0' ? json_integer(number) : json_string(text);
    }
    if (option->type == MSP_SOURCE_WORDS || option->type == MSP_SOURCE_OBJECT)
        return msp_json_parse(text, strlen(text), &msp_json_request_limits, &object, &error) ==
                       MSP_OK
                   ? object
                   : json_string(text);
    return json_string(text);
}

/* Takes the value's reference. False after a complaint. */
static bool put(const struct msp_invocation *invocation, json_t *object, const char *name,
                json_t *value)
{
    if (value == NULL) {
        msp_invocation_complain(invocation, "\"%s\" is not UTF-8", name);
        return false;
    }
    if (json_object_get(object, name) != NULL) {
        json_decref(value);
        (void)msp_invocation_misused(invocation, "\"%s\" is given twice", name);
        return false;
    }
    return json_object_set_new(object, name, value) == 0;
}

static bool take_options(const struct msp_invocation *invocation, struct msp_source_inputs *inputs)
{
    const char *given = NULL;
    for (size_t at = 0; (given = msp_invocation_next(invocation, "option", &at)) != NULL;) {
        char name[NAME_BYTES];
        const char *value = NULL;
        if (!split(invocation, "option", given, name, &value))
            return false;
        const struct msp_source_option *option = find_option(inputs->kind, name);
        if (option == NULL) {
            (void)msp_invocation_misused(
                invocation,
                "%s has no option \"%s\"; msp-analytics source kinds --kind %s lists them",
                inputs->kind->name, name, inputs->kind->name);
            return false;
        }
        if (option->is_secret) {
            (void)msp_invocation_misused(
                invocation, "\"%s\" is a secret: give --secret %s, and it is asked for", name,
                name);
            return false;
        }
        if (!put(invocation, inputs->options, name, read_value(option, value)))
            return false;
    }
    return true;
}

/* ---- secrets ---- */

/* One line without its end; false without one or past `size`. */
static bool read_line(FILE *file, char *out, size_t size)
{
    if (fgets(out, (int)size, file) == NULL)
        return false;
    const size_t length = strcspn(out, "\r\n");
    const bool whole = out[length] != '\0' || feof(file) != 0;
    out[length] = '\0';
    return whole && length > 0;
}

static bool ask(const char *name, char *out, size_t size)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "%s: ", name);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    const bool read = read_line(stdin, out, size);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    return read;
}

static bool is_secret(const struct msp_invocation *invocation, const struct msp_source_kind *kind,
                      const char *name)
{
    const struct msp_source_option *option = find_in(kind->options, name);
    if (option != NULL && option->is_secret)
        return true;
    (void)msp_invocation_misused(invocation, "%s has no secret \"%s\"", kind->name, name);
    return false;
}

static bool take_asked(const struct msp_invocation *invocation, struct msp_source_inputs *inputs)
{
    const char *name = NULL;
    for (size_t at = 0; (name = msp_invocation_next(invocation, "secret", &at)) != NULL;) {
        char secret[SECRET_BYTES];
        if (!is_secret(invocation, inputs->kind, name))
            return false;
        const bool read = isatty(STDIN_FILENO) == 1 ? ask(name, secret, sizeof secret)
                                                    : read_line(stdin, secret, sizeof secret);
        if (!read)
            msp_invocation_complain(invocation, "there is no line on standard input for \"%s\"",
                                    name);
        const bool taken = read && put(invocation, inputs->secrets, name, json_string(secret));
        explicit_bzero(secret, sizeof secret);
        if (!taken)
            return false;
    }
    return true;
}

static bool take_files(const struct msp_invocation *invocation, struct msp_source_inputs *inputs)
{
    const char *given = NULL;
    for (size_t at = 0; (given = msp_invocation_next(invocation, "secret-file", &at)) != NULL;) {
        char name[NAME_BYTES];
        char secret[SECRET_BYTES];
        const char *path = NULL;
        if (!split(invocation, "secret-file", given, name, &path) ||
            !is_secret(invocation, inputs->kind, name))
            return false;
        FILE *file = fopen(path, "re");
        const bool read = file != NULL && read_line(file, secret, sizeof secret);
        if (!read)
            msp_invocation_complain(invocation, "there is no line in %s for \"%s\"%s%s", path, name,
                                    file == NULL ? ": " : "", file == NULL ? strerror(errno) : "");
        if (file != NULL)
            (void)fclose(file);
        const bool taken = read && put(invocation, inputs->secrets, name, json_string(secret));
        explicit_bzero(secret, sizeof secret);
        if (!taken)
            return false;
    }
    return true;
}

int msp_source_inputs_take(const struct msp_invocation *invocation, struct msp_source_inputs *out)
{
    const char *kind = msp_invocation_option(invocation, "kind");
    struct msp_source_inputs inputs = {.kind = msp_source_kind_find(kind)};
    if (inputs.kind == NULL)
        return msp_invocation_misused(
            invocation, "there is no kind \"%s\"; msp-analytics source kinds lists them", kind);
    inputs.options = json_object();
    inputs.secrets = json_object();
    if (inputs.options == NULL || inputs.secrets == NULL || !take_options(invocation, &inputs) ||
        !take_files(invocation, &inputs) || !take_asked(invocation, &inputs)) {
        msp_source_inputs_done(&inputs);
        return MSP_COMMAND_WRONG;
    }
    *out = inputs;
    return MSP_COMMAND_DONE;
}

void msp_source_inputs_done(struct msp_source_inputs *inputs)
{
    json_decref(inputs->options);
    json_decref(inputs->secrets);
}
