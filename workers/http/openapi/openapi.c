/* Puts the description together and keeps its text. Asks nobody, and changes nothing later. */
#include "openapi.h"

#include "openapi_files.h"
#include "openapi_parts.h"

#include "msp/json_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Our own files: the limits only keep a slip of ours from growing. */
static const struct msp_json_limits file_limits = {
    .max_bytes = 256U * 1024, .max_depth = 32, .max_elements = 50000};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for /openapi.json.");
}

/* ---- the files as one ---- */

/* Objects of the same name become one; their members' names must differ. */
static enum msp_result join(json_t *whole, json_t *file, const char *file_name,
                            struct msp_error *error)
{
    const char *section;
    json_t *members;
    json_object_foreach(file, section, members)
    {
        json_t *known = json_object_get(whole, section);
        if (known == NULL) {
            if (json_object_set(whole, section, members) != 0)
                return no_memory(error);
            continue;
        }
        size_t together = json_object_size(known) + json_object_size(members);
        if (json_object_update(known, members) != 0)
            return no_memory(error);
        if (json_object_size(known) != together)
            return msp_fail(error, MSP_BROKEN, "openapi_doubled",
                            "%s has a member of \"%s\" that another file has too.", file_name,
                            section);
    }
    return MSP_OK;
}

static enum msp_result read_file(const struct msp_embedded_file *file, json_t *whole,
                                 struct msp_error *error)
{
    json_t *content = NULL;
    enum msp_result result =
        msp_json_parse(file->text, file->size_bytes, &file_limits, &content, error);
    if (result == MSP_OK)
        result = join(whole, content, file->name, error);
    json_decref(content);
    return result;
}

static enum msp_result read_files(json_t **out, struct msp_error *error)
{
    json_t *whole = json_object();
    enum msp_result result = whole == NULL ? no_memory(error) : MSP_OK;
    for (const struct msp_embedded_file *file = msp_openapi_file;
         file->name != NULL && result == MSP_OK; file++)
        result = read_file(file, whole, error);
    if (result == MSP_OK)
        *out = whole;
    else
        json_decref(whole);
    return result;
}

/* ---- the document ---- */

static void method_in_lower_case(const char *method, char *out, size_t size)
{
    size_t length = 0;
    for (; method[length] != '\0' && length + 1 < size; length++)
        out[length] = (char)(method[length] - 'A' + 'a');
    out[length] = '\0';
}

static int add_operation(json_t *paths, const struct msp_route *route, json_t *operation)
{
    char method[16];
    method_in_lower_case(route->method, method, sizeof method);
    json_t *path = json_object_get(paths, route->path);
    if (path == NULL && json_object_set_new(paths, route->path, json_object()) != 0) {
        json_decref(operation);
        return -1;
    }
    path = json_object_get(paths, route->path);
    return json_object_set_new(path, method, operation);
}

static json_t *paths_of(const json_t *files)
{
    const json_t *entries = json_object_get(files, "operations");
    json_t *paths = json_object();
    int failed = 0;
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        char name[160];
        (void)snprintf(name, sizeof name, "%s %s", route->method, route->path);
        const json_t *entry = json_object_get(entries, name);
        if (entry != NULL)
            failed |= add_operation(
                paths, route,
                msp_openapi_operation(route, entry, json_object_get(files, "schemas")));
    }
    if (failed == 0)
        return paths;
    json_decref(paths);
    return NULL;
}

static json_t *document_of(const json_t *files)
{
    json_t *info = json_object_get(files, "info");
    if (json_object_set_new(info, "version", json_string(MSP_VERSION)) != 0 ||
        msp_openapi_add_metrics(json_object_get(files, "schemas")) != 0)
        return NULL;
    return json_pack("{s:s, s:O, s:[{s:s}], s:O, s:o, s:{s:O, s:O, s:O, s:o, s:O}}", "openapi",
                     "3.1.0", "info", info, "servers", "url", "/", "tags",
                     json_object_get(files, "tags"), "paths", paths_of(files), "components",
                     "schemas", json_object_get(files, "schemas"), "parameters",
                     json_object_get(files, "parameters"), "headers",
                     json_object_get(files, "headers"), "responses", msp_openapi_problems(),
                     "securitySchemes", json_object_get(files, "securitySchemes"));
}

static int append(const char *bytes, size_t size, void *context)
{
    struct msp_buffer *out = context;
    msp_buffer_append(out, bytes, size);
    return out->failed ? -1 : 0;
}

static enum msp_result write_document(struct msp_buffer *out, struct msp_error *error)
{
    json_t *files = NULL;
    enum msp_result result = read_files(&files, error);
    if (result != MSP_OK)
        return result;
    json_t *document = document_of(files);
    if (document == NULL || json_dump_callback(document, append, out, JSON_COMPACT) != 0)
        result = no_memory(error);
    json_decref(document);
    json_decref(files);
    return result;
}

enum msp_result msp_openapi_new(struct msp_openapi **out, struct msp_error *error)
{
    struct msp_openapi *openapi = calloc(1, sizeof *openapi);
    if (openapi == NULL)
        return no_memory(error);
    msp_buffer_init(&openapi->text, 0);
    enum msp_result result = write_document(&openapi->text, error);
    if (result != MSP_OK) {
        msp_openapi_free(openapi);
        return result;
    }
    XXH128_hash_t hash = XXH3_128bits(openapi->text.data, openapi->text.length);
    (void)snprintf(openapi->etag, sizeof openapi->etag, "\"%016" PRIx64 "%016" PRIx64 "\"",
                   hash.high64, hash.low64);
    *out = openapi;
    return MSP_OK;
}

void msp_openapi_free(struct msp_openapi *openapi)
{
    if (openapi == NULL)
        return;
    msp_buffer_done(&openapi->text);
    free(openapi);
}
