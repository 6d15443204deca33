/*
 * Reads files of settings and cuts them into names and values, with the same
 * reading of quotes and comments as a shell. It knows no setting and expands nothing.
 */
#include "env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum msp_result refuse(struct msp_error *error, const char *reason)
{
    return msp_fail(error, MSP_INVALID, "settings_file", "%s", reason);
}

static enum msp_result read_whole(int fd, char *out, size_t size, struct msp_error *error)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, out + length, size - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return refuse(error, got < 0 ? strerror(errno) : "it shrank while it was read");
        }
        length += (size_t)got;
    }
    out[size] = '\0';
    return memchr(out, '\0', size) == NULL ? MSP_OK : refuse(error, "it holds a NUL byte");
}

static enum msp_result read_open_file(int fd, size_t limit_bytes, struct env_file *out,
                                      struct msp_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return refuse(error, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return refuse(error, "it is not a regular file");
    }
    if (status.st_size < 0 || (size_t)status.st_size > limit_bytes) {
        return msp_fail(error, MSP_INVALID, "settings_file", "it has more than %zu bytes",
                        limit_bytes);
    }
    size_t size = (size_t)status.st_size;
    char *content = calloc(1, size + 1);
    if (content == NULL) {
        return refuse(error, "there is no memory for it");
    }
    enum msp_result result = read_whole(fd, content, size, error);
    if (result != MSP_OK) {
        free(content);
        return result;
    }
    out->content = content;
    out->size = size;
    return MSP_OK;
}

enum msp_result env_file_read(const char *path, size_t limit_bytes, struct env_file *out,
                              struct msp_error *error)
{
    /* O_NONBLOCK: a FIFO must not hold the start; it is refused right after. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return refuse(error, errno == ENOENT ? "it does not exist" : strerror(errno));
    }
    enum msp_result result = read_open_file(fd, limit_bytes, out, error);
    (void)close(fd);
    return result;
}

void env_file_release(struct env_file *file)
{
    if (file->content != NULL) {
        explicit_bzero(file->content, file->size);
        free(file->content);
        file->content = NULL;
    }
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static char *skip_blanks(char *text)
{
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool letter = (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') ||
                      text[i] == '_';
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!letter && !(digit && i > 0)) {
            return false;
        }
    }
    return length > 0;
}

/* Takes the quotes off in place; NULL if the closing one is missing or more than a comment follows.
 */
static char *unquote(char *text)
{
    char quote = *text;
    char *from = text + 1;
    char *to = text;
    while (*from != '\0' && *from != quote) {
        if (quote == '"' && *from == '\\' && (from[1] == '"' || from[1] == '\\')) {
            from++;
        }
        *to++ = *from++;
    }
    if (*from == '\0') {
        return NULL;
    }
    char *rest = skip_blanks(from + 1);
    bool only_comment = *rest == '\0' || (*rest == '#' && rest > from + 1);
    *to = '\0';
    return only_comment ? text : NULL;
}

static char *cut_comment(char *text)
{
    char *end = text;
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '#' && at > text && is_blank(at[-1])) {
            break;
        }
        if (!is_blank(*at)) {
            end = at + 1;
        }
    }
    *end = '\0';
    return text;
}

static void parse_line(char *text, struct env_file_line *line)
{
    line->name = NULL;
    char *equals = strchr(text, '=');
    if (equals == NULL || !is_name(text, (size_t)(equals - text))) {
        line->value = "is not NAME=value; comments begin with #, and no blank stands before the =";
        return;
    }
    *equals = '\0';
    char *value = equals + 1;
    char *start = skip_blanks(value);
    if (*start == '"' || *start == '\'') {
        value = unquote(start);
    } else if (*start == '#' && start > value) {
        value = start;
        *value = '\0';
    } else {
        value = cut_comment(start);
    }
    if (value == NULL) {
        line->value = "has a quoted value that is not closed, or text behind its closing quote";
        return;
    }
    line->name = text;
    line->value = value;
}

void env_file_parse(char *content, env_file_visit *visit, void *context)
{
    struct env_file_line line = {.number = 0};
    for (char *next = content; next != NULL;) {
        char *text = next;
        char *end = strchr(text, '\n');
        next = end == NULL ? NULL : end + 1;
        if (end != NULL) {
            *end = '\0';
        }
        line.number++;
        text = skip_blanks(text);
        if (*text != '\0' && *text != '#') {
            parse_line(text, &line);
            visit(context, &line);
        }
    }
}
