/*
 * Refuses every head that could be read in two ways. Leans on how CivetWeb 1.15 cuts a head into
 * texts in place (parse_http_request): each CR, LF and separator it consumed becomes a NUL, so
 * that the distances between the texts tell what stood there; worker start-up tries that out.
 */
#include "request_check.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 section 5.6.2: tchar besides letters and digits. */
#define TOKEN_MARKS "!#$%&'*+-.^_`|~"
/* RFC 3986 section 3.3: pchar and "/" besides letters and digits. */
#define PATH_MARKS "-._~%!$&'()*+,;=:@/"

struct reading {
    const struct mg_request_info *info;
    const char *buffer;
    const char *end; /* no text may reach this */
    struct msp_request_head head;
    bool has_length;
    bool chunked;
    struct msp_error *error;
};

/* A field we care about; 0 or the status to refuse with. */
typedef int (*take_field)(struct reading *reading, const char *value);

static int refuse(struct reading *reading, int status, const char *code, const char *detail)
{
    (void)msp_fail(reading->error, MSP_INVALID, code, "%s", detail);
    return status;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool only(const char *text, const char *marks)
{
    for (; *text != '\0'; text++)
        if (!is_letter_or_digit(*text) && strchr(marks, *text) == NULL)
            return false;
    return true;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* uri-host [ ":" port ] without user information or percent signs. */
static bool is_host(const char *text)
{
    const char *rest = text;
    if (*text == '[') {
        rest += 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (*rest != ']' || rest == text + 1)
            return false;
        rest++;
    } else {
        while (is_letter_or_digit(*rest) || *rest == '-' || *rest == '.' || *rest == '_')
            rest++;
        if (rest == text)
            return false;
    }
    if (*rest == '\0')
        return true;
    size_t port = digits(rest + 1);
    return *rest == ':' && port >= 1 && port <= 5 && rest[1 + port] == '\0';
}

static int take_host(struct reading *reading, const char *value)
{
    if (reading->head.host != NULL)
        return refuse(reading, 400, "host_repeated", "The Host field must be sent once.");
    if (!is_host(value))
        return refuse(reading, 400, "host_malformed",
                      "The Host field must be a name or address with an optional port.");
    reading->head.host = value;
    return 0;
}

/* 18 digits cannot overflow 64 bits. */
static int take_content_length(struct reading *reading, const char *value)
{
    size_t length = strlen(value);
    if (reading->has_length || length < 1 || length > 18 || digits(value) != length)
        return refuse(reading, 400, "content_length_malformed",
                      "Content-Length must be sent once, as up to 18 digits.");
    reading->has_length = true;
    for (const char *digit = value; *digit != '\0'; digit++)
        reading->head.content_length = reading->head.content_length * 10 + (*digit - '0');
    return 0;
}

static int take_transfer_encoding(struct reading *reading, const char *value)
{
    if (reading->chunked || strcasecmp(value, "chunked") != 0)
        return refuse(reading, 400, "transfer_encoding_unknown",
                      "Transfer-Encoding may be sent once and be only \"chunked\".");
    if (strcmp(reading->info->http_version, "1.0") == 0)
        return refuse(reading, 400, "transfer_encoding_unknown",
                      "HTTP/1.0 knows no Transfer-Encoding; use HTTP/1.1.");
    reading->chunked = true;
    return 0;
}

static int take_upgrade(struct reading *reading, const char *value)
{
    (void)value;
    return refuse(reading, 400, "upgrade_refused",
                  "This server changes to no other protocol; leave out the Upgrade field.");
}

static int take_expect(struct reading *reading, const char *value)
{
    if (strcasecmp(value, "100-continue") != 0)
        return refuse(reading, 417, "expectation_unknown", "Expect may only be \"100-continue\".");
    reading->head.expects_continue = true;
    return 0;
}

static int take_once(struct reading *reading, const char **field, const char *value)
{
    if (*field != NULL)
        return refuse(reading, 400, "field_repeated",
                      "Authorization, X-API-Key, Cookie, Origin, Content-Type and Prefer may be "
                      "sent once each.");
    *field = value;
    return 0;
}

static int take_authorization(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.authorization, value);
}

static int take_api_key(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.api_key, value);
}

static int take_cookie(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.cookie, value);
}

static int take_origin(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.origin, value);
}

static int take_content_type(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.content_type, value);
}

static int take_prefer(struct reading *reading, const char *value)
{
    return take_once(reading, &reading->head.prefer, value);
}

static const struct {
    const char *name;
    take_field take;
} known_fields[] = {
    {"host", take_host},
    {"content-length", take_content_length},
    {"transfer-encoding", take_transfer_encoding},
    {"upgrade", take_upgrade},
    {"expect", take_expect},
    {"authorization", take_authorization},
    {"x-api-key", take_api_key},
    {"cookie", take_cookie},
    {"origin", take_origin},
    {"content-type", take_content_type},
    {"prefer", take_prefer},
};

static int take(struct reading *reading, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof known_fields / sizeof known_fields[0]; i++)
        if (strcasecmp(name, known_fields[i].name) == 0)
            return known_fields[i].take(reading, value);
    if (strncasecmp(name, "cf-", 3) == 0 || strncasecmp(name, "x-forwarded-", 12) == 0 ||
        strcasecmp(name, "forwarded") == 0)
        reading->head.forwarded = true;
    return 0;
}

/* The byte behind a text that starts inside the buffer; NULL if it runs out of it. */
static const char *text_end(const struct reading *reading, const char *text)
{
    if (text < reading->buffer || text >= reading->end)
        return NULL;
    return memchr(text, '\0', (size_t)(reading->end - text));
}

/* The request line; on success *out_end is the end of the version. */
static int check_request_line(struct reading *reading, const char **out_end)
{
    const struct mg_request_info *info = reading->info;
    static const char spacing[] = "The request line must be method, path and version, "
                                  "with one space between them.";
    if (info->request_method != reading->buffer)
        return refuse(reading, 400, "request_malformed",
                      "A request must start with its method, not with blank lines.");
    const char *end = text_end(reading, info->request_method);
    if (end == NULL || end + 1 != info->request_uri)
        return refuse(reading, 400, "request_malformed", spacing);
    end = text_end(reading, info->request_uri);
    if (end == NULL || *info->request_uri != '/' || !only(info->request_uri, PATH_MARKS))
        return refuse(reading, 400, "path_malformed",
                      "The path must start with / and hold only the characters of RFC 3986.");
    if (info->query_string != NULL) {
        if (end + 1 != info->query_string)
            return refuse(reading, 400, "request_malformed", spacing);
        end = text_end(reading, info->query_string);
        for (const char *c = info->query_string; end != NULL && c < end; c++)
            if (*c <= ' ' || *c > '~' || *c == '#')
                return refuse(reading, 400, "query_malformed",
                              "The query may hold printable ASCII without spaces and # only.");
    }
    /* "HTTP/" stands between; CivetWeb has checked it. */
    if (end == NULL || end + 1 + 5 != info->http_version)
        return refuse(reading, 400, "request_malformed", spacing);
    *out_end = text_end(reading, info->http_version);
    return *out_end == NULL ? refuse(reading, 400, "request_malformed", spacing) : 0;
}

static int too_large(struct reading *reading)
{
    return refuse(reading, 431, "head_too_large",
                  "The request's head is larger than 16 KiB or has more than 63 fields.");
}

/* Without a way out of the loop, so that many bytes are looked at at once: tokens and cookies are
 * long. */
static bool holds_control(const char *text, size_t size)
{
    unsigned found = 0;
    for (size_t i = 0; i < size; i++)
        found |= (unsigned)((unsigned char)text[i] < ' ') | (unsigned)(text[i] == 127);
    return found != 0;
}

/* One field, which must start two bytes (CR LF) behind `before`; moves *before to its end. */
static int check_field(struct reading *reading, const struct mg_header *field, const char **before)
{
    if ((*before)[1] != '\0' || field->name != *before + 2)
        return refuse(reading, 400, "request_malformed",
                      "Every line of the head must end in CR LF and start with a field's name.");
    const char *name_end = text_end(reading, field->name);
    const char *value_end = text_end(reading, field->value);
    if (name_end == NULL || value_end == NULL)
        return too_large(reading);
    if (name_end == field->name || !only(field->name, TOKEN_MARKS))
        return refuse(reading, 400, "field_malformed",
                      "A field's name may hold only the characters of a token.");
    if (field->value <= name_end ||
        strspn(name_end + 1, " ") != (size_t)(field->value - name_end - 1))
        return refuse(reading, 400, "field_malformed",
                      "The colon must follow a field's name at once.");
    if (holds_control(field->value, (size_t)(value_end - field->value)))
        return refuse(reading, 400, "field_malformed",
                      "A field's value must not hold control characters.");
    *before = value_end;
    return take(reading, field->name, field->value);
}

static bool is_list_mark(char c)
{
    return c == ' ' || c == ',';
}

/* Whether a comma-separated list holds `wanted`, as CivetWeb's header_has_option. */
static bool list_holds(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = list; *at != '\0';) {
        while (is_list_mark(*at))
            at++;
        size_t item = strcspn(at, " ,");
        if (item == length && strncasecmp(at, wanted, length) == 0)
            return true;
        at += item;
    }
    return false;
}

/* CivetWeb obeys the first Connection field alone; a "close" anywhere is obeyed by us. */
static bool wants_keep_alive(const struct mg_request_info *info)
{
    bool keep = strcmp(info->http_version, "1.1") == 0;
    bool seen = false;
    for (int i = 0; i < info->num_headers; i++) {
        if (strcasecmp(info->http_headers[i].name, "connection") != 0)
            continue;
        if (list_holds(info->http_headers[i].value, "close"))
            return false;
        if (!seen)
            keep = list_holds(info->http_headers[i].value, "keep-alive");
        seen = true;
    }
    return keep;
}

static int check_framing(struct reading *reading)
{
    if (reading->head.host == NULL)
        return refuse(reading, 400, "host_missing", "Send a Host field.");
    if (reading->chunked && reading->has_length)
        return refuse(reading, 400, "framing_ambiguous",
                      "Send either Content-Length or Transfer-Encoding, not both.");
    if (reading->chunked)
        reading->head.content_length = -1;
    return 0;
}

int msp_request_check(const struct mg_request_info *info, const char *buffer, size_t size,
                      struct msp_request_head *out, struct msp_error *error)
{
    struct reading reading = {.info = info, .buffer = buffer, .error = error};
    if (size < 8)
        return too_large(&reading);
    reading.end = buffer + size - 4; /* room to look at the four bytes that close a head */

    const char *before = NULL;
    int status = check_request_line(&reading, &before);
    if (status != 0)
        return status;
    if (info->num_headers >= MG_MAX_HEADERS)
        return too_large(&reading);
    if (info->num_headers <= 0)
        return check_framing(&reading);
    for (int i = 0; i < info->num_headers; i++) {
        status = check_field(&reading, &info->http_headers[i], &before);
        if (status != 0)
            return status;
    }
    /* Lines behind the last one CivetWeb took for a field would leave other bytes here. */
    if (before[1] != '\0' || before[2] != '\r' || before[3] != '\0')
        return refuse(&reading, 400, "request_malformed",
                      "The head holds a line that is not a field.");
    status = check_framing(&reading);
    if (status != 0)
        return status;
    reading.head.keep_alive = wants_keep_alive(info);
    reading.head.length = (size_t)(before - buffer) + 4;
    *out = reading.head;
    return 0;
}
