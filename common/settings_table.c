/*
 * All settings, a row each, in the order in which people meet them. A new
 * setting is a member of struct msp_settings and a row here, nothing else.
 */
#include "settings_table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEMBER(member)                                                                             \
    .offset = offsetof(struct msp_settings, member),                                               \
    .size = sizeof(((struct msp_settings *)0)->member)

/* A socket path ends at 107 bytes, of which "/jobs.sock" takes 10. */
#define STATE_DIR_LONGEST 97

static const char *const database_schemes[] = {"postgresql://", "postgres://", NULL};
static const char *const redis_schemes[] = {"redis://", "unix://", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_formats[] = {"plain", "json", NULL};

static void derive_jobs_database_url(struct msp_settings *settings)
{
    memcpy(settings->jobs_database_url, settings->database_url, sizeof settings->jobs_database_url);
}

static void derive_export_storage(struct msp_settings *settings)
{
    /* STATE_DIR is far shorter than its member (STATE_DIR_LONGEST). */
    (void)snprintf(settings->export_storage, sizeof settings->export_storage, "file://%.*s/exports",
                   STATE_DIR_LONGEST, settings->state_dir);
}

static void derive_http_workers(struct msp_settings *settings)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    settings->http_workers = cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
}

const struct setting_row setting_rows[] = {
    {.name = "DATABASE_URL",
     .type = SETTING_URL,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(database_url),
     .initial = "",
     .words = database_schemes,
     .help = "PostgreSQL login of the server; never a superuser, an owner or one with BYPASSRLS."},
    {.name = "JOBS_DATABASE_URL",
     .type = SETTING_URL,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(jobs_database_url),
     .initial = "",
     .derive = derive_jobs_database_url,
     .derived_from = "DATABASE_URL",
     .words = database_schemes,
     .help = "PostgreSQL login of the job worker."},
    {.name = "MIGRATE_DATABASE_URL",
     .type = SETTING_URL,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(migrate_database_url),
     .initial = "",
     .words = database_schemes,
     .help = "PostgreSQL login of the owner of the tables; only the migrate command uses it."},
    {.name = "REDIS_URL",
     .type = SETTING_URL,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(redis_url),
     .initial = "",
     .words = redis_schemes,
     .help = "Redis that all nodes share; empty on a single node, which then works without."},
    {.name = "SERVICE_TOKEN",
     .type = SETTING_SECRET,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(service_token),
     .initial = "",
     .minimum = 32,
     .help = "Bearer token of internal callers (/internal, /metrics); empty lets none in."},
    {.name = "JWT_SECRET",
     .type = SETTING_SECRET,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(jwt_secret),
     .initial = "",
     .minimum = 32,
     .help = "Key that signs people's tokens (HS256); empty lets nobody sign in."},
    {.name = "LISTEN",
     .type = SETTING_LISTEN,
     .reload = MSP_RELOAD_RESTART,
     MEMBER(listen),
     .initial = "127.0.0.1:8000",
     .help = "IPv4 address and port to serve HTTP on; TLS and IPv6 end at the proxy in front."},
    {.name = "STATE_DIR",
     .type = SETTING_DIRECTORY,
     .reload = MSP_RELOAD_RESTART,
     MEMBER(state_dir),
     .initial = "/var/lib/msp-analytics",
     .maximum = STATE_DIR_LONGEST,
     .help = "Folder of the job socket, the lock and the status board; it belongs to one node."},
    {.name = "EXPORT_STORAGE",
     .type = SETTING_STORAGE,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(export_storage),
     .initial = "",
     .derive = derive_export_storage,
     .derived_from = "file://STATE_DIR/exports",
     .help = "Where exports are written: file:///absolute/path or s3://bucket/prefix."},
    {.name = "S3_ENDPOINT",
     .type = SETTING_ENDPOINT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(s3_endpoint),
     .initial = "",
     .help = "Address of the object storage, as in https://s3.eu-west-1.amazonaws.com; required "
             "with s3://."},
    {.name = "S3_REGION",
     .type = SETTING_TEXT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(s3_region),
     .initial = "us-east-1",
     .help = "Region of the bucket; part of what is signed."},
    {.name = "S3_ACCESS_KEY",
     .type = SETTING_TEXT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(s3_access_key),
     .initial = "",
     .help = "Access key id of the object storage; required with s3://."},
    {.name = "S3_SECRET_KEY",
     .type = SETTING_SECRET,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(s3_secret_key),
     .initial = "",
     .minimum = 8,
     .help = "Secret access key of the object storage; required with s3://."},
    {.name = "MOCK_MODE",
     .type = SETTING_BOOL,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(mock_mode),
     .initial = "false",
     .help = "Ticket sources read MOCK_DATA_PATH instead of the network."},
    {.name = "MOCK_DATA_PATH",
     .type = SETTING_TEXT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(mock_data_path),
     .initial = "",
     .help = "Folder of the invented tickets; required with MOCK_MODE."},
    {.name = "ALLOWED_HOSTS",
     .type = SETTING_HOST_LIST,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(allowed_hosts),
     .initial = "",
     .help =
         "Host names to answer to, comma-separated, without ports; empty: any well-formed one."},
    {.name = "TRUSTED_PROXIES",
     .type = SETTING_ADDRESS_LIST,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(trusted_proxies),
     .initial = "",
     .help = "IPv4 addresses or CIDR blocks whose word about the caller's address is believed."},
    {.name = "EGRESS_ALLOW",
     .type = SETTING_EGRESS_LIST,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(egress_allow),
     .initial = "",
     .help = "Hosts that a callback_url may name: [scheme://]host[:port], comma-separated, *. "
             "allowed; +private at an entry's end permits http and private addresses."},
    {.name = "INTERNAL_ALLOW",
     .type = SETTING_ADDRESS_LIST,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(internal_allow),
     .initial = "127.0.0.0/8",
     .help = "IPv4 addresses or CIDR blocks that may call /internal and /metrics."},
    {.name = "HTTP_WORKERS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(http_workers),
     .initial = "",
     .derive = derive_http_workers,
     .derived_from = "number of cores",
     .minimum = 1,
     .maximum = 64,
     .unit = "processes",
     .help = "HTTP worker processes."},
    {.name = "HTTP_THREADS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(http_threads),
     .initial = "1024",
     .minimum = 4,
     .maximum = 8192,
     .unit = "threads",
     .help = "Threads of an HTTP worker; one serves one connection, also while that is idle."},
    {.name = "DB_POOL_SIZE",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(db_pool_size),
     .initial = "8",
     .minimum = 1,
     .maximum = 200,
     .unit = "connections",
     .help = "PostgreSQL connections of an HTTP worker."},
    {.name = "JOB_THREADS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(job_threads),
     .initial = "4",
     .minimum = 2,
     .maximum = 64,
     .unit = "threads",
     .help = "Jobs that run at the same time, a connection each."},
    {.name = "DB_STATEMENT_TIMEOUT_SECONDS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(db_statement_timeout_seconds),
     .initial = "10",
     .minimum = 1,
     .maximum = 100, /* proxies in front give up at 120 s */
     .unit = "seconds",
     .help = "How long an HTTP request may wait for PostgreSQL's answer."},
    {.name = "DB_POOL_WAIT_MS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(db_pool_wait_ms),
     .initial = "2000",
     .minimum = 1,
     .maximum = 60000,
     .unit = "milliseconds",
     .help = "How long a request may wait for a free connection before it is answered 503."},
    {.name = "KEEP_ALIVE_SECONDS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(keep_alive_seconds),
     .initial = "15",
     .minimum = 1,
     .maximum = 900, /* the longest a proxy in front keeps an idle connection */
     .unit = "seconds",
     .help = "How long an idle connection is kept open."},
    {.name = "DRAIN_SECONDS",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_WORKERS,
     MEMBER(drain_seconds),
     .initial = "25",
     .minimum = 1,
     .maximum = 600,
     .unit = "seconds",
     .help = "How long a process that is asked to leave may finish its work."},
    {.name = "MAX_BODY_BYTES",
     .type = SETTING_INT,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(max_body_bytes),
     .initial = "262144",
     .minimum = 1024,
     .maximum = 1048576, /* a parsed body takes up to 79 times its size */
     .unit = "bytes",
     .help = "Longest JSON body of a request; streamed ingest has no limit."},
    {.name = "LOG_LEVEL",
     .type = SETTING_ENUM,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(log_level),
     .initial = "info",
     .words = log_levels,
     .help = "The least serious lines to write."},
    {.name = "LOG_FORMAT",
     .type = SETTING_ENUM,
     .reload = MSP_RELOAD_AT_ONCE,
     MEMBER(log_format),
     .initial = "plain",
     .words = log_formats,
     .help = "Lines as key=value text or as one JSON object each."},
};

const size_t setting_count = sizeof setting_rows / sizeof setting_rows[0];

const struct setting_row *setting_find(const char *name, size_t length)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
            return row;
        }
    }
    return NULL;
}
