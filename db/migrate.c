/*
 * Brings a database up to the schema this program was built with. Run by an operator with the
 * owner's login; the server itself never changes a schema.
 */
#include "msp/migrate.h"

#include "embedded_file.h"

#include <libpq-fe.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lock that keeps two migrations of one database apart ("msp" in ASCII). */
#define MIGRATION_LOCK "7172976"

static const char prepare_sql[] = "CREATE SCHEMA IF NOT EXISTS msp;"
                                  "CREATE TABLE IF NOT EXISTS msp.migrations ("
                                  "    number integer PRIMARY KEY,"
                                  "    name text NOT NULL,"
                                  "    sha256 text NOT NULL,"
                                  "    applied_at timestamptz NOT NULL DEFAULT now())";

static int number_of(const struct msp_embedded_file *file)
{
    return (int)strtol(file->name, NULL, 10);
}

int msp_migrate_latest(void)
{
    int latest = 0;
    for (const struct msp_embedded_file *file = msp_migration; file->name != NULL; file++)
        latest = number_of(file);
    return latest;
}

static bool sha256_hex(const struct msp_embedded_file *file, char out[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (!EVP_Digest(file->text, file->size_bytes, digest, &size, EVP_sha256(), NULL) || size != 32)
        return false;
    for (unsigned int i = 0; i < size; i++)
        snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
    return true;
}

static enum msp_result fail_sql(PGconn *connection, const PGresult *result, const char *doing,
                                struct msp_error *error)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    char reason[256];
    snprintf(reason, sizeof(reason), "%s", message != NULL ? message : PQerrorMessage(connection));
    reason[strcspn(reason, "\n")] = '\0';
    return msp_fail(error, result == NULL ? MSP_UNAVAILABLE : MSP_INVALID, "migration_failed",
                    "%s: %s%s%s", doing, reason, detail != NULL ? " — " : "",
                    detail != NULL ? detail : "");
}

/* Runs one or more statements, none of which returns anything of interest. */
static enum msp_result run(PGconn *connection, const char *sql, const char *doing,
                           struct msp_error *error)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    enum msp_result outcome = MSP_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        outcome = fail_sql(connection, result, doing, error);
    PQclear(result);
    return outcome;
}

/* Compares what was applied with what we hold; *out_applied is the number of the last applied one.
 */
static enum msp_result check_history(PGconn *connection, int *out_applied, struct msp_error *error)
{
    PGresult *rows =
        PQexec(connection, "SELECT number, name, sha256 FROM msp.migrations ORDER BY number");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        enum msp_result outcome = fail_sql(connection, rows, "Reading msp.migrations", error);
        PQclear(rows);
        return outcome;
    }
    enum msp_result outcome = MSP_OK;
    int applied = 0;
    const struct msp_embedded_file *file = msp_migration;
    for (int row = 0; row < PQntuples(rows) && outcome == MSP_OK; row++, file++) {
        applied = (int)strtol(PQgetvalue(rows, row, 0), NULL, 10);
        char sha256[65];
        if (file->name == NULL)
            outcome =
                msp_fail(error, MSP_CONFLICT, "database_newer",
                         "The database has migration %s, which this program does not know. Use a "
                         "newer program.",
                         PQgetvalue(rows, row, 1));
        else if (!sha256_hex(file, sha256))
            outcome = msp_fail(error, MSP_BROKEN, "digest_failed", "Cannot compute SHA-256.");
        else if (number_of(file) != applied || strcmp(sha256, PQgetvalue(rows, row, 2)) != 0)
            outcome = msp_fail(
                error, MSP_CONFLICT, "migration_changed",
                "Migration %s was applied in another form than this program holds. Applied "
                "migrations are never changed: use the program that made this database, or "
                "a later one.",
                PQgetvalue(rows, row, 1));
    }
    PQclear(rows);
    if (outcome == MSP_OK)
        *out_applied = applied;
    return outcome;
}

static enum msp_result apply(PGconn *connection, const struct msp_embedded_file *file,
                             struct msp_error *error)
{
    char sha256[65];
    char record[256];
    if (!sha256_hex(file, sha256))
        return msp_fail(error, MSP_BROKEN, "digest_failed", "Cannot compute SHA-256.");
    snprintf(record, sizeof(record),
             "INSERT INTO msp.migrations (number, name, sha256) VALUES (%d, '%s', '%s'); COMMIT",
             number_of(file), file->name, sha256);
    enum msp_result result = run(connection, "BEGIN", file->name, error);
    if (result == MSP_OK)
        result = run(connection, file->text, file->name, error);
    if (result == MSP_OK)
        result = run(connection, record, file->name, error);
    if (result != MSP_OK)
        PQclear(PQexec(connection, "ROLLBACK"));
    return result;
}

static enum msp_result migrate(PGconn *connection, msp_migrate_report report, void *context,
                               int *out_applied, struct msp_error *error)
{
    /* Somebody else's migration may take its time; a lock that is never freed must not hold us for
     * ever. */
    enum msp_result result =
        run(connection,
            "SET client_min_messages = warning; SET statement_timeout = '30min';"
            "SET lock_timeout = '5min'; SELECT pg_advisory_lock(" MIGRATION_LOCK ")",
            "Waiting for another migration", error);
    if (result == MSP_OK)
        result = run(connection, prepare_sql, "Preparing msp.migrations", error);
    int last = 0;
    if (result == MSP_OK)
        result = check_history(connection, &last, error);
    int applied = 0;
    for (const struct msp_embedded_file *file = msp_migration;
         file->name != NULL && result == MSP_OK; file++) {
        if (number_of(file) <= last)
            continue;
        if (report != NULL)
            report(context, file->name);
        result = apply(connection, file, error);
        applied++;
    }
    if (result == MSP_OK)
        *out_applied = applied;
    return result;
}

enum msp_result msp_migrate(const char *url, msp_migrate_report report, void *context,
                            int *out_applied, struct msp_error *error)
{
    const char *names[] = {"dbname", "connect_timeout", "application_name", NULL};
    const char *values[] = {url, "10", "msp-analytics migrate", NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    enum msp_result result;
    if (PQstatus(connection) != CONNECTION_OK) {
        result = fail_sql(connection, NULL, "Cannot connect to PostgreSQL", error);
    } else {
        /* The advisory lock goes with the session. */
        result = migrate(connection, report, context, out_applied, error);
    }
    PQfinish(connection);
    return result;
}
