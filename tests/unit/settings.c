/* Settings: precedence, every fault named with its place, secrets hidden, nothing half-done. */
#include "msp/settings.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_32 "0123456789abcdef0123456789abcdef"

struct heard {
    int errors, warnings;
    char text[8192];
};

static char folder[64];
static char env_path[80];
static char value_path[80];
static struct heard heard;
static struct msp_settings settings;

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/msp-settings-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(env_path, sizeof env_path, "%s/env", folder);
    (void)snprintf(value_path, sizeof value_path, "%s/value", folder);
}

static void drop_folder(void)
{
    (void)unlink(env_path);
    (void)unlink(value_path);
    (void)rmdir(folder);
}

TestSuite(settings, .init = make_folder, .fini = drop_folder);

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    cr_assert(fwrite(bytes, 1, size, file) == size);
    cr_assert(fclose(file) == 0);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void hear(void *context, bool is_error, const char *sentence)
{
    struct heard *to = context;
    size_t length = strlen(to->text);
    *(is_error ? &to->errors : &to->warnings) += 1;
    (void)snprintf(to->text + length, sizeof to->text - length, "%s\n", sentence);
}

static enum msp_result load_all(const struct msp_settings_sources *sources,
                                const char *const *required)
{
    memset(&heard, 0, sizeof heard);
    return msp_settings_load(sources, required, hear, &heard, &settings);
}

static enum msp_result load_file(const char *text)
{
    write_text(env_path, text);
    struct msp_settings_sources sources = {.env_file = env_path};
    return load_all(&sources, NULL);
}

static enum msp_result load_arguments(const char *first, const char *second)
{
    const char *arguments[] = {first, second, NULL};
    struct msp_settings_sources sources = {.arguments = arguments};
    return load_all(&sources, NULL);
}

static void expect_heard(const char *words)
{
    cr_expect(strstr(heard.text, words) != NULL, "heard nothing of \"%s\" but\n%s", words,
              heard.text);
}

Test(settings, have_defaults)
{
    struct msp_settings_sources sources = {.env_file = NULL};
    cr_assert(load_all(&sources, NULL) == MSP_OK, "%s", heard.text);
    cr_expect(heard.errors == 0 && heard.warnings == 0);
    cr_expect_str_eq(settings.listen, "127.0.0.1:8000");
    cr_expect_str_eq(settings.state_dir, "/var/lib/msp-analytics");
    cr_expect_str_eq(settings.export_storage, "file:///var/lib/msp-analytics/exports");
    cr_expect_str_eq(settings.internal_allow, "127.0.0.0/8");
    cr_expect_str_empty(settings.redis_url);
    cr_expect(settings.http_workers == (int)sysconf(_SC_NPROCESSORS_ONLN));
    cr_expect(settings.http_threads == 1024 && settings.db_pool_size == 8);
    cr_expect(settings.job_threads == 4 && settings.db_statement_timeout_seconds == 10);
    cr_expect(settings.db_pool_wait_ms == 2000 && settings.keep_alive_seconds == 15);
    cr_expect(settings.drain_seconds == 25 && settings.max_body_bytes == 262144);
    cr_expect(settings.log_level == MSP_LOG_INFO && settings.log_format == MSP_LOG_PLAIN);
    cr_expect(!settings.mock_mode);
}

Test(settings, follow_command_line_then_environment_then_file)
{
    write_text(env_path, "HTTP_THREADS=10\nDB_POOL_SIZE=10\nJOB_THREADS=10\nREDIS_URL=redis://a\n");
    char texts[][24] = {"HTTP_THREADS=20", "DB_POOL_SIZE=20", "REDIS_URL=", "PATH=/bin",
                        "NOT_A_PAIR"};
    char *const environment[] = {texts[0], texts[1], texts[2], texts[3], texts[4], NULL};
    const char *arguments[] = {"HTTP_THREADS=30", NULL};
    struct msp_settings_sources sources = {env_path, environment, arguments};
    cr_assert(load_all(&sources, NULL) == MSP_OK, "%s", heard.text);
    cr_expect(settings.http_threads == 30);
    cr_expect(settings.db_pool_size == 20);
    cr_expect(settings.job_threads == 10);
    cr_expect_str_empty(settings.redis_url, "an empty value must undo the file's");
    cr_expect(heard.warnings == 0, "%s", heard.text);
}

Test(settings, derive_some_from_others)
{
    cr_assert(load_file("DATABASE_URL=postgresql://api@db/msp\nSTATE_DIR=/srv/state\n") == MSP_OK);
    cr_expect_str_eq(settings.jobs_database_url, "postgresql://api@db/msp");
    cr_expect_str_eq(settings.export_storage, "file:///srv/state/exports");
    cr_assert(load_file("DATABASE_URL=postgresql://api@db/msp\n"
                        "JOBS_DATABASE_URL=postgresql://jobs@db/msp\n") == MSP_OK);
    cr_expect_str_eq(settings.jobs_database_url, "postgresql://jobs@db/msp");
}

Test(settings, read_quotes_comments_and_blank_lines)
{
    cr_assert(load_file("# a comment\n"
                        "\n"
                        "   # another\n"
                        "HTTP_THREADS=64 # an aside\n"
                        "  JOB_THREADS = 3\n") == MSP_INVALID);
    expect_heard("env:5: the line is not NAME=value");
    cr_assert(load_file("SERVICE_TOKEN='" SECRET_32 " #$\"\\\\'\r\n"
                        "JWT_SECRET=\"" SECRET_32 " \\\" \\\\ \\n\" # an aside\n"
                        "MOCK_DATA_PATH=#no/comment\t\n"
                        "ALLOWED_HOSTS= # nothing\n"
                        "LOG_LEVEL= debug") == MSP_OK,
              "%s", heard.text);
    cr_expect_str_eq(settings.service_token, SECRET_32 " #$\"\\\\");
    cr_expect_str_eq(settings.jwt_secret, SECRET_32 " \" \\ \\n");
    cr_expect_str_eq(settings.mock_data_path, "#no/comment");
    cr_expect_str_empty(settings.allowed_hosts);
    cr_expect(settings.log_level == MSP_LOG_DEBUG);
}

Test(settings, name_every_fault_with_file_and_line_and_change_nothing)
{
    memset(&settings, 0x5a, sizeof settings);
    cr_assert(load_file("HTTP_THREADS=3\n"
                        "HTTP_WORKERS=0x2\n"
                        "rubbish\n"
                        "LOG_LEVEL=loud\n"
                        "SERVICE_TOKEN=\"unclosed\n"
                        "MOCK_MODE=maybe\n"
                        "JWT_SECRET=tooshortofasecret\n") == MSP_INVALID);
    cr_expect(heard.errors == 7, "%s", heard.text);
    expect_heard(
        "env:1: HTTP_THREADS must be a whole number of threads from 4 to 8192, not \"3\".");
    expect_heard("env:2: HTTP_WORKERS");
    expect_heard("env:3: the line is not NAME=value");
    expect_heard("env:4: LOG_LEVEL must be one of debug, info, warning, error, not \"loud\".");
    expect_heard("env:5: the line has a quoted value that is not closed");
    expect_heard("env:6: MOCK_MODE");
    expect_heard("env:7: JWT_SECRET has 17 bytes but needs at least 32");
    cr_expect(strstr(heard.text, "tooshort") == NULL, "a secret was repeated");
    cr_expect(strstr(heard.text, "unclosed\"") == NULL);
    cr_expect(settings.http_threads == 0x5a5a5a5a, "the settings were touched");
}

Test(settings, refuse_values_out_of_form)
{
    static const char *const bad[] = {
        "LISTEN=8000",
        "LISTEN=:8000",
        "LISTEN=localhost:8000",
        "LISTEN=127.0.0.1",
        "LISTEN=127.0.0.1:0",
        "LISTEN=127.0.0.1:080",
        "LISTEN=127.0.0.1:65536",
        "LISTEN=127.0.0.1:80 ",
        "LISTEN=[::1]:80",
        "DATABASE_URL=host=db dbname=msp",
        "DATABASE_URL=mysql://db",
        "REDIS_URL=localhost:6379",
        "STATE_DIR=state",
        "STATE_DIR=/srv/../etc",
        "STATE_DIR=/srv/..",
        "EXPORT_STORAGE=/srv/exports",
        "EXPORT_STORAGE=file://srv/exports",
        "EXPORT_STORAGE=file:///",
        "EXPORT_STORAGE=s3://",
        "EXPORT_STORAGE=s3://no",
        "EXPORT_STORAGE=s3://Bucket/prefix",
        "EXPORT_STORAGE=s3://bucket.dots/prefix",
        "EXPORT_STORAGE=s3://bucket/a//b",
        "EXPORT_STORAGE=s3://bucket/../b",
        "EXPORT_STORAGE=s3://bucket/a b",
        "EXPORT_STORAGE=s3://bucket/a?b",
        "S3_ENDPOINT=s3.example.com",
        "S3_ENDPOINT=https://s3.example.com/bucket",
        "S3_ENDPOINT=https://key:secret@s3.example.com",
        "S3_SECRET_KEY=short",
        "EGRESS_ALLOW=http://a.example",
        "EGRESS_ALLOW=a.example, 10.0.0.1",
        "EGRESS_ALLOW=*",
        "TRUSTED_PROXIES=10.0.0.0/33",
        "INTERNAL_ALLOW=localhost",
        "ALLOWED_HOSTS=a.example,,b.example",
        "ALLOWED_HOSTS=a.example:8000",
        "ALLOWED_HOSTS=a b",
        "HTTP_THREADS=-4",
        "HTTP_THREADS=+64",
        "HTTP_THREADS=64k",
        "HTTP_THREADS= 64",
        "HTTP_THREADS=99999999999999999999",
        "MAX_BODY_BYTES=1073741824",
        "MOCK_DATA_PATH=a\x01z",
        "MOCK_MODE=true",
        "NO_SUCH_THING=1",
        "no pair",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect(load_arguments(bad[i], NULL) == MSP_INVALID, "%s", bad[i]);
        cr_expect(heard.errors == 1, "%s: %s", bad[i], heard.text);
    }
    char long_path[1200];
    (void)snprintf(long_path, sizeof long_path, "STATE_DIR=/%097d", 0);
    cr_expect(load_arguments(long_path, NULL) == MSP_INVALID);
    (void)snprintf(long_path, sizeof long_path, "STATE_DIR=/%096d", 0);
    cr_expect(load_arguments(long_path, NULL) == MSP_OK);
    (void)snprintf(long_path, sizeof long_path, "MOCK_DATA_PATH=%01024d", 0);
    cr_expect(load_arguments(long_path, NULL) == MSP_INVALID);
    expect_heard("command line: MOCK_DATA_PATH has 1024 bytes but may have 1023.");
}

Test(settings, accept_values_in_form)
{
    static const char *const good[] = {
        "LISTEN=0.0.0.0:65535",
        "DATABASE_URL=postgres://u:p@/db?host=/tmp/run",
        "REDIS_URL=redis://:p@127.0.0.1:6379/0",
        "EXPORT_STORAGE=file:///srv/exports",
        "S3_ENDPOINT=http://10.0.0.1:9000/",
        "S3_SECRET_KEY=secretkey",
        "EGRESS_ALLOW=a.example,*.b.example http://n8n:5678+private",
        "TRUSTED_PROXIES=10.0.0.0/8, 192.168.1.1",
        "ALLOWED_HOSTS=a.example , b-2.example,localhost",
        "MOCK_MODE=OFF",
        "LOG_LEVEL=Warning",
        "HTTP_THREADS=",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(load_arguments(good[i], NULL) == MSP_OK, "%s: %s", good[i], heard.text);
    }
}

Test(settings, need_all_of_s3_for_an_s3_address)
{
    cr_expect(load_arguments("EXPORT_STORAGE=s3://bucket/prefix", NULL) == MSP_INVALID);
    cr_expect(heard.errors == 3, "one sentence a fault:\n%s", heard.text);
    expect_heard("EXPORT_STORAGE is an s3:// address but S3_SECRET_KEY is empty; set it.");
    const char *arguments[] = {"EXPORT_STORAGE=s3://bucket/a/b=c", "S3_ENDPOINT=http://s3:9000",
                               "S3_ACCESS_KEY=me", "S3_SECRET_KEY=secretkey", NULL};
    struct msp_settings_sources sources = {.arguments = arguments};
    cr_expect(load_all(&sources, NULL) == MSP_OK, "%s", heard.text);
}

Test(settings, name_the_entry_of_egress_allow_that_is_wrong)
{
    cr_expect(load_arguments("EGRESS_ALLOW=a.example, http://b.example", NULL) == MSP_INVALID);
    expect_heard("command line: EGRESS_ALLOW has an entry \"http://b.example\" that cannot be "
                 "used: it is plain http, which needs +private at its end.");
}

Test(settings, require_what_the_command_needs)
{
    static const char *const required[] = {"DATABASE_URL", "SERVICE_TOKEN", "LISTEN", NULL};
    const char *arguments[] = {"SERVICE_TOKEN=short", NULL};
    struct msp_settings_sources sources = {.arguments = arguments};
    cr_expect(load_all(&sources, required) == MSP_INVALID);
    cr_expect(heard.errors == 2, "one sentence a fault:\n%s", heard.text);
    expect_heard("DATABASE_URL is required; set it in the environment or in the env file.");
}

Test(settings, warn_of_names_nobody_knows)
{
    cr_assert(load_file("HTTP_TREADS=5\nMSP_MASTER_PID=77\nLOG_LEVEL=error\nLOG_LEVEL=debug\n") ==
              MSP_OK);
    cr_expect(heard.warnings == 2, "%s", heard.text);
    expect_heard("env:1: there is no setting HTTP_TREADS");
    expect_heard("env:4: LOG_LEVEL was set on line 3 already");
    cr_expect(settings.log_level == MSP_LOG_DEBUG);
}

Test(settings, come_from_a_file_of_their_own)
{
    char argument[128];
    write_text(value_path, SECRET_32 "\n");
    (void)snprintf(argument, sizeof argument, "SERVICE_TOKEN_FILE=%s", value_path);
    cr_assert(load_arguments(argument, NULL) == MSP_OK, "%s", heard.text);
    cr_expect_str_eq(settings.service_token, SECRET_32);

    cr_expect(load_arguments(argument, "SERVICE_TOKEN=" SECRET_32) == MSP_INVALID);
    expect_heard("SERVICE_TOKEN and SERVICE_TOKEN_FILE are both given");
    write_text(value_path, SECRET_32 "\n\n");
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID, "only one newline is dropped");
    write_text(value_path, "short");
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID);
    expect_heard("SERVICE_TOKEN_FILE has 5 bytes");
    write_bytes(value_path, SECRET_32 "\0x", 34);
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID);
    expect_heard("NUL byte");
    char *large = calloc(1, 5000);
    cr_assert(large != NULL);
    memset(large, 'a', 5000);
    write_bytes(value_path, large, 5000);
    free(large);
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID);
    expect_heard("SERVICE_TOKEN_FILE has 5000 bytes but may have 1023.");
    cr_assert(unlink(value_path) == 0);
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID);
    expect_heard("does not exist");
    cr_assert(mkfifo(value_path, 0600) == 0);
    cr_expect(load_arguments(argument, NULL) == MSP_INVALID, "a FIFO must not hold the start");
    expect_heard("not a regular file");
}

Test(settings, need_a_readable_env_file)
{
    struct msp_settings_sources sources = {.env_file = "/nowhere/env"};
    cr_expect(load_all(&sources, NULL) == MSP_INVALID);
    expect_heard("cannot read the env file /nowhere/env: it does not exist.");
    sources.env_file = "/";
    cr_expect(load_all(&sources, NULL) == MSP_INVALID);
    write_bytes(env_path, "A=1\0B=2\n", 8);
    sources.env_file = env_path;
    cr_expect(load_all(&sources, NULL) == MSP_INVALID);
    expect_heard("NUL byte");
}

static void show(bool as_json, char *out, size_t size)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    msp_settings_show(&settings, as_json, &buffer);
    cr_assert(!buffer.failed && buffer.length < size);
    memcpy(out, buffer.data, buffer.length);
    out[buffer.length] = '\0';
    msp_buffer_done(&buffer);
}

Test(settings, are_shown_without_secrets)
{
    char text[16384];
    cr_assert(load_file("DATABASE_URL=postgresql://user:hush@host/db\n"
                        "JOBS_DATABASE_URL=postgresql://user:hu/sh@x?y@host:5432/db?sslmode=off\n"
                        "MIGRATE_DATABASE_URL=postgresql://owner@h:5432/db?password=hush&host=/s\n"
                        "REDIS_URL=redis://:hush@127.0.0.1:6379/2\n"
                        "SERVICE_TOKEN=hush" SECRET_32 "\n") == MSP_OK,
              "%s", heard.text);
    show(false, text, sizeof text);
    cr_expect(strstr(text, "hu") == NULL, "%s", text);
    static const char *const lines[] = {
        "DATABASE_URL=postgresql://user:********@host/db\n",
        "JOBS_DATABASE_URL=postgresql://user:********@host:5432/db?sslmode=off\n",
        "MIGRATE_DATABASE_URL=postgresql://owner@h:5432/db?password=********&host=/s\n",
        "REDIS_URL=redis://:********@127.0.0.1:6379/2\n",
        "SERVICE_TOKEN=********\n",
        "JWT_SECRET=\n",
        "MOCK_MODE=false\n",
        "HTTP_THREADS=1024\n",
        "LOG_LEVEL=info\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_expect(strstr(text, lines[i]) != NULL, "no %s in\n%s", lines[i], text);
    }
}

Test(settings, are_shown_as_json)
{
    char text[16384];
    cr_assert(load_file("SERVICE_TOKEN=" SECRET_32 "\nMOCK_DATA_PATH='a \"b\"'\n") == MSP_OK);
    show(true, text, sizeof text);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(json != NULL, "%s", text);
    cr_expect(json_integer_value(json_object_get(json, "HTTP_THREADS")) == 1024);
    cr_expect(json_is_false(json_object_get(json, "MOCK_MODE")));
    cr_expect_str_eq(json_string_value(json_object_get(json, "SERVICE_TOKEN")), "********");
    cr_expect_str_eq(json_string_value(json_object_get(json, "JWT_SECRET")), "");
    cr_expect_str_eq(json_string_value(json_object_get(json, "MOCK_DATA_PATH")), "a \"b\"");
    json_decref(json);
}

Test(settings, have_a_sample_that_loads_and_means_the_defaults)
{
    struct msp_buffer sample;
    msp_buffer_init(&sample, 0);
    msp_settings_sample(&sample);
    cr_assert(!sample.failed);
    /* Each commented-out setting is put in force; prose lines have a blank behind the '#'. */
    for (size_t i = 0; i + 1 < sample.length; i++) {
        bool line_start = i == 0 || sample.data[i - 1] == '\n';
        if (line_start && sample.data[i] == '#' && sample.data[i + 1] != ' ') {
            sample.data[i] = ' ';
        }
    }
    struct msp_settings_sources none = {.env_file = NULL};
    cr_assert(load_all(&none, NULL) == MSP_OK);
    struct msp_settings defaults = settings;
    write_bytes(env_path, sample.data, sample.length);
    struct msp_settings_sources sources = {.env_file = env_path};
    cr_assert(load_all(&sources, NULL) == MSP_OK, "%s", heard.text);
    cr_expect(heard.warnings == 0, "%s", heard.text);
    cr_expect(msp_settings_compare(&defaults, &settings, NULL, NULL) == 0);
    msp_buffer_done(&sample);
}

static void note_change(void *context, const char *name, enum msp_setting_reload reload,
                        const char *before, const char *after)
{
    struct heard *to = context;
    size_t length = strlen(to->text);
    (void)snprintf(to->text + length, sizeof to->text - length, "%s/%d/%s/%s\n", name, (int)reload,
                   before, after);
}

Test(settings, tell_what_a_reload_changes_and_when_it_holds)
{
    cr_assert(load_file("JWT_SECRET=" SECRET_32 "\nDATABASE_URL=postgresql://u:one@h/d\n") ==
              MSP_OK);
    struct msp_settings before = settings;
    cr_expect(msp_settings_compare(&before, &settings, note_change, &heard) == 0);
    cr_assert(load_file("JWT_SECRET=x" SECRET_32 "\nDATABASE_URL=postgresql://u:two@h/d\n"
                        "LISTEN=127.0.0.1:9000\nLOG_LEVEL=debug\nMOCK_DATA_PATH=/m\n"
                        "MOCK_MODE=yes\n") == MSP_OK);
    memset(&heard, 0, sizeof heard);
    cr_expect(msp_settings_compare(&before, &settings, note_change, &heard) == 7, "%s", heard.text);
    expect_heard("JWT_SECRET/0/********/********");
    expect_heard("DATABASE_URL/1/postgresql://u:********@h/d/postgresql://u:********@h/d");
    expect_heard("LISTEN/2/127.0.0.1:8000/127.0.0.1:9000");
    expect_heard("LOG_LEVEL/0/info/debug");
    expect_heard("MOCK_MODE/1/false/true");
}

Test(settings, take_the_key_of_callbacks_plain_or_as_standard_webhooks_writes_it)
{
    static const char *const good[] = {
        "CALLBACK_SECRET=0123456789abcdef01234567\n",
        "CALLBACK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
    };
    static const char *const bad[] = {
        "CALLBACK_SECRET=0123456789abcdef0123456\n",
        "CALLBACK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n",
        "CALLBACK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La\n",
        "CALLBACK_SECRET_PREVIOUS=short\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(load_file(good[i]) == MSP_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(load_file(bad[i]) == MSP_INVALID, "%s", bad[i]);
}

Test(settings, refuse_mail_settings_that_could_send_nothing)
{
    static const char *const bad[] = {
        "SMTP_URL=smtp://mail:25\n",
        "SMTP_URL=http://mail:25\nSMTP_FROM=a@b.c\n",
        "SMTP_FROM=a@b.c,d@e.f\n",
        "SMTP_FROM=nobody\n",
        "NOTIFY_TO=a@b.c d@e.f\n",
        "NOTIFY_ALLOW=*.example.com\n",
        "SLACK_WEBHOOK_URL=hooks.slack.com/services/x\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(load_file(bad[i]) == MSP_INVALID, "%s", bad[i]);
    cr_expect(load_file("SMTP_URL=smtp://mail:25\nSMTP_FROM=a@b.c\nNOTIFY_TO='a@b.c, d@e.f'\n"
                        "NOTIFY_ALLOW=example.com,x@y.z\n") == MSP_OK);
}
