/* msp-analytics user …: people who sign in. A password is asked for on the terminal, read from
 * standard input or generated; never given on a command line, which everybody can read. */
#include "admin_database.h"

#include "msp/credential_json.h"
#include "msp/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What a list asks for at a time. */
#define PAGE 500

static int failed(const struct msp_invocation *invocation, const struct msp_error *error)
{
    msp_invocation_complain(invocation, "%s", error->detail);
    return MSP_COMMAND_FAILED;
}

/* ---- passwords ---- */

/* One line without its end; false at the end of the input or past `size`. */
static bool read_line(char *out, size_t size)
{
    if (fgets(out, (int)size, stdin) == NULL)
        return false;
    size_t length = strcspn(out, "\r\n");
    bool whole = out[length] != '\0' || feof(stdin);
    out[length] = '\0';
    return whole;
}

/* Without an echo. */
static bool ask(const char *question, char *out, size_t size)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)fputs(question, stderr);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    const bool read = read_line(out, size);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    return read;
}

static bool ask_twice(char *out, size_t size)
{
    char again[MSP_PASSWORD_MOST_BYTES + 3];
    if (!ask("Password: ", out, size) || !ask("The same again: ", again, sizeof(again)))
        return false;
    const bool same = strcmp(out, again) == 0;
    explicit_bzero(again, sizeof(again));
    return same;
}

/* From --generate-password, --password-stdin or the terminal. False after a complaint. */
static bool take_password(const struct msp_invocation *invocation,
                          char out[MSP_PASSWORD_MOST_BYTES + 3], bool *out_generated)
{
    struct msp_error error;
    const bool piped = msp_invocation_option(invocation, "password-stdin") != NULL;
    *out_generated = msp_invocation_option(invocation, "generate-password") != NULL;
    if (*out_generated && piped) {
        (void)msp_invocation_misused(invocation,
                                     "choose one of --password-stdin and --generate-password");
        return false;
    }
    if (*out_generated) {
        if (msp_password_generate(out, &error) == MSP_OK)
            return true;
        (void)failed(invocation, &error);
        return false;
    }
    if (!piped && isatty(STDIN_FILENO) == 0) {
        (void)msp_invocation_misused(invocation, "there is no terminal to ask on; give "
                                                 "--password-stdin or --generate-password");
        return false;
    }
    if (piped ? !read_line(out, MSP_PASSWORD_MOST_BYTES + 3)
              : !ask_twice(out, MSP_PASSWORD_MOST_BYTES + 3)) {
        msp_invocation_complain(invocation, piped
                                                ? "there is no line of a password on standard input"
                                                : "the two passwords differ; nothing was changed");
        return false;
    }
    return true;
}

/* The hash; a generated password is printed once, to be handed on. */
static bool take_hash(const struct msp_invocation *invocation, char hash[MSP_PASSWORD_HASH_BYTES],
                      char shown[MSP_PASSWORD_GENERATED_BYTES])
{
    char password[MSP_PASSWORD_MOST_BYTES + 3];
    struct msp_error error;
    bool generated = false;
    shown[0] = '\0';
    if (!take_password(invocation, password, &generated))
        return false;
    enum msp_result result = msp_password_check(password, &error);
    if (result == MSP_OK)
        result = msp_password_hash(password, hash, &error);
    if (generated)
        (void)snprintf(shown, MSP_PASSWORD_GENERATED_BYTES, "%.*s",
                       MSP_PASSWORD_GENERATED_BYTES - 1, password);
    explicit_bzero(password, sizeof(password));
    if (result != MSP_OK)
        (void)failed(invocation, &error);
    return result == MSP_OK;
}

/* ---- what is printed ---- */

static void write_person(struct msp_json_writer *json, const struct msp_person *person,
                         const char *password)
{
    msp_json_begin_object(json);
    msp_person_write_members(json, person);
    if (password != NULL && password[0] != '\0')
        msp_json_key_string(json, "password", password);
    msp_json_end_object(json);
}

static void print_json(struct msp_buffer *text)
{
    if (!text->failed)
        (void)printf("%.*s\n", (int)text->length, text->data);
    msp_buffer_done(text);
}

/* A generated password alone, so that a script can take it as it comes. */
static void print_done(const struct msp_invocation *invocation, const struct msp_person *person,
                       const char *done, const char *password)
{
    struct msp_buffer text;
    struct msp_json_writer json;
    if (invocation->json) {
        msp_buffer_init(&text, 0);
        msp_json_writer_init(&json, &text);
        write_person(&json, person, password);
        print_json(&text);
    } else if (password != NULL && password[0] != '\0') {
        (void)printf("%s\n", password);
    } else {
        (void)printf("user %s %s\n", person->email, done);
    }
}

/* ---- the commands ---- */

int msp_command_user_add(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_person person;
    char hash[MSP_PASSWORD_HASH_BYTES];
    char shown[MSP_PASSWORD_GENERATED_BYTES];
    const struct msp_person_order order = {
        .email = invocation->argument,
        .name = msp_invocation_option(invocation, "name"),
        .tenant = msp_invocation_option(invocation, "tenant"),
        .role = msp_role_parse(msp_invocation_option(invocation, "role")),
        .password_hash = hash,
    };
    if (order.role == MSP_ROLE_NONE)
        return msp_invocation_misused(invocation, "--role is admin, manager, tech or client");
    if ((order.role == MSP_ROLE_ADMIN) != (order.tenant == NULL))
        return msp_invocation_misused(invocation,
                                      "--tenant goes with every role but admin, and only these");
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    if (!take_hash(invocation, hash, shown)) {
        msp_db_free(db);
        return MSP_COMMAND_WRONG;
    }
    const enum msp_result result = msp_people_add(db, &order, msp_admin_actor(&settings),
                                                  msp_admin_deadline_ms(), &person, &error);
    msp_db_free(db);
    if (result != MSP_OK)
        return failed(invocation, &error);
    print_done(invocation, &person, "added", shown);
    return MSP_COMMAND_DONE;
}

static int change(const struct msp_invocation *invocation, const struct msp_person_change *order,
                  const char *done, const char *password)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_person person;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    const enum msp_result result =
        msp_people_change(db, invocation->argument, order, msp_admin_actor(&settings),
                          msp_admin_deadline_ms(), &person, &error);
    msp_db_free(db);
    if (result != MSP_OK)
        return failed(invocation, &error);
    print_done(invocation, &person, done, password);
    return MSP_COMMAND_DONE;
}

int msp_command_user_set_password(const struct msp_invocation *invocation)
{
    char hash[MSP_PASSWORD_HASH_BYTES];
    char shown[MSP_PASSWORD_GENERATED_BYTES];
    if (!take_hash(invocation, hash, shown))
        return MSP_COMMAND_WRONG;
    const struct msp_person_change order = {.password_hash = hash, .active = -1};
    return change(invocation, &order, "has a new password; earlier sessions have ended", shown);
}

int msp_command_user_disable(const struct msp_invocation *invocation)
{
    const struct msp_person_change order = {.active = 0};
    return change(invocation, &order, "disabled; its sessions have ended", NULL);
}

int msp_command_user_enable(const struct msp_invocation *invocation)
{
    const struct msp_person_change order = {.active = 1};
    return change(invocation, &order, "enabled", NULL);
}

static void print_person(const struct msp_person *person)
{
    (void)printf("%-32s %-8s %-24s %-8s %s\n", person->email, msp_role_name(person->role),
                 person->tenant[0] != '\0' ? person->tenant : "(all)",
                 person->active ? "active" : "disabled", person->name);
}

/* Page by page; each person is printed or, for JSON, written into `json`. */
static enum msp_result list_all(const struct msp_invocation *invocation, struct msp_db *db,
                                struct msp_json_writer *json, struct msp_error *error)
{
    char after[MSP_EMAIL_BYTES] = "";
    size_t count = PAGE;
    while (count == PAGE) {
        struct msp_person *people = NULL;
        enum msp_result result =
            msp_people_list(db, msp_invocation_option(invocation, "tenant"), after, PAGE,
                            msp_admin_deadline_ms(), &people, &count, error);
        if (result != MSP_OK)
            return result;
        for (size_t i = 0; i < count; i++) {
            if (invocation->json)
                write_person(json, &people[i], NULL);
            else
                print_person(&people[i]);
        }
        if (count > 0)
            memcpy(after, people[count - 1].email, sizeof(after));
        free(people);
    }
    return MSP_OK;
}

int msp_command_user_list(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct msp_error error;
    struct msp_buffer text;
    struct msp_json_writer json;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key(&json, "users");
    msp_json_begin_array(&json);
    if (!invocation->json)
        (void)printf("%-32s %-8s %-24s %-8s %s\n", "e-mail", "role", "tenant", "state", "name");
    const enum msp_result result = list_all(invocation, db, &json, &error);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    msp_db_free(db);
    if (result == MSP_OK && invocation->json)
        print_json(&text);
    else
        msp_buffer_done(&text);
    return result == MSP_OK ? MSP_COMMAND_DONE : failed(invocation, &error);
}
