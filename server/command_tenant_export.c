/* msp-analytics tenant export: all that is stored of a tenant, for the tenant. Secrets stay. */
#include "admin_database.h"

#include "msp/clock.h"
#include "msp/erasure_store.h"
#include "msp/json_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Until the first row of a large table, and from row to row. */
#define IDLE_MS 600000

struct export
{
    const struct msp_invocation *invocation;
    int folder_fd;
    FILE *file; /* of the table being written */
    char name[80];
    int64_t rows;
    int64_t bytes;
    EVP_MD_CTX *digest;
    struct msp_buffer manifest;
    struct msp_json_writer json;
    bool failed; /* after a complaint */
};

static bool fail(struct export *export, const char *what)
{
    msp_invocation_complain(export->invocation, "cannot write %s: %s", what, strerror(errno));
    export->failed = true;
    return false;
}

static FILE *open_file(const struct export *export, const char *name)
{
    const int fd = openat(export->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL && fd >= 0)
        (void)close(fd);
    return file;
}

static bool close_file(struct export *export, FILE *file, const char *name)
{
    bool fine = fflush(file) == 0 && fsync(fileno(file)) == 0;
    fine = fclose(file) == 0 && fine;
    return fine || fail(export, name);
}

static bool end_table(struct export *export)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    FILE *file = export->file;
    if (file == NULL)
        return true;
    export->file = NULL;
    if (!close_file(export, file, export->name))
        return false;
    (void)EVP_DigestFinal_ex(export->digest, digest, &size);
    for (unsigned int i = 0; i < size; i++)
        (void)snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
    msp_json_begin_object(&export->json);
    msp_json_key_string(&export->json, "file", export->name);
    msp_json_key_int(&export->json, "rows", export->rows);
    msp_json_key_int(&export->json, "bytes", export->bytes);
    msp_json_key_string(&export->json, "sha256", hex);
    msp_json_end_object(&export->json);
    return true;
}

static bool begin_table(void *context, const char *table)
{
    struct export *export = context;
    if (!end_table(export))
        return false;
    (void)snprintf(export->name, sizeof(export->name), "%.63s.ndjson", table);
    export->rows = 0;
    export->bytes = 0;
    export->file = open_file(export, export->name);
    if (export->file == NULL)
        return fail(export, export->name);
    return EVP_DigestInit_ex(export->digest, EVP_sha256(), NULL) == 1;
}

static bool take_row(void *context, const char *line, size_t length)
{
    struct export *export = context;
    export->rows++;
    export->bytes += (int64_t)length;
    if (fwrite(line, 1, length, export->file) != length)
        return fail(export, export->name);
    return EVP_DigestUpdate(export->digest, line, length) == 1;
}

/* The last file: where it is, the rest is whole. */
static bool write_manifest(struct export *export)
{
    FILE *file = export->manifest.failed ? NULL : open_file(export, "manifest.json");
    if (file == NULL)
        return fail(export, "manifest.json");
    (void)fwrite(export->manifest.data, 1, export->manifest.length, file);
    (void)fputc('\n', file);
    return close_file(export, file, "manifest.json");
}

static void begin_manifest(struct export *export)
{
    msp_buffer_init(&export->manifest, 0);
    msp_json_writer_init(&export->json, &export->manifest);
    msp_json_begin_object(&export->json);
    msp_json_key_string(&export->json, "tenant", export->invocation->argument);
    msp_json_key_time(&export->json, "taken_at", msp_clock_unix_us());
    msp_json_key(&export->json, "tables");
    msp_json_begin_array(&export->json);
}

static bool end_manifest(struct export *export)
{
    msp_json_end_array(&export->json);
    msp_json_end_object(&export->json);
    return write_manifest(export);
}

static int write_all(struct export *export, struct msp_db *db, const struct msp_settings *settings)
{
    int64_t tenant_id = 0;
    struct msp_error error;
    const struct msp_tenant_copy copy = {begin_table, take_row, export};
    enum msp_result result =
        msp_admin_tenant_id(db, export->invocation->argument, &tenant_id, &error);
    if (result == MSP_OK) {
        const struct msp_audit_line line = {tenant_id, "tenant.export",
                                            export->invocation->argument, NULL};
        result =
            msp_audit_note(db, msp_admin_actor(settings), &line, msp_admin_deadline_ms(), &error);
    }
    if (result == MSP_OK)
        result = msp_tenant_copy_out(db, tenant_id, &copy, IDLE_MS, &error);
    if (result != MSP_OK && !export->failed)
        msp_invocation_complain(export->invocation, "%s", error.detail);
    if (result != MSP_OK || !end_table(export) || !end_manifest(export))
        return MSP_COMMAND_FAILED;
    (void)printf("%.*s\n", (int)export->manifest.length, export->manifest.data);
    return MSP_COMMAND_DONE;
}

/* Refuses a folder that is there, so that two exports are never mixed. */
static bool make_folder(struct export *export, const char *out)
{
    if (mkdir(out, 0700) != 0)
        return fail(export, out);
    export->folder_fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return export->folder_fd >= 0 || fail(export, out);
}

int msp_command_tenant_export(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    struct export export = {.invocation = invocation, .folder_fd = -1};
    int code = msp_admin_database_open_for(invocation, IDLE_MS, &settings, &db);
    if (code != MSP_COMMAND_DONE)
        return code;
    begin_manifest(&export);
    export.digest = EVP_MD_CTX_new();
    code = MSP_COMMAND_FAILED;
    if (export.digest != NULL && make_folder(&export, msp_invocation_option(invocation, "out")))
        code = write_all(&export, db, &settings);
    if (export.file != NULL)
        (void)fclose(export.file);
    if (export.folder_fd >= 0)
        (void)close(export.folder_fd);
    EVP_MD_CTX_free(export.digest);
    msp_buffer_done(&export.manifest);
    msp_db_free(db);
    return code;
}
