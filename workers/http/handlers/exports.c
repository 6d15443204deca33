/* The files on record of a tenant's exports. Making them is the job worker's work. */
#include "handlers.h"

#include "../http_worker.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/export_store.h"

/* The files of one dataset. */
struct shelf {
    struct msp_export_file *files;
    size_t count;
};

/* Which datasets were asked for: the one named, or all. */
static enum msp_result read_wanted(const struct msp_request *request, bool wanted[MSP_DATASETS],
                                   struct msp_error *error)
{
    const char *name = msp_request_query(request, "dataset");
    enum msp_dataset only;

    if (name != NULL && !msp_dataset_parse(name, &only))
        return msp_query_fail(error, "query_malformed", "dataset",
                              "\"dataset\" must be kpi_daily, tickets or tenants.");
    for (int dataset = 0; dataset < MSP_DATASETS; dataset++)
        wanted[dataset] = name == NULL || dataset == (int)only;
    return MSP_OK;
}

static enum msp_result read_shelves(const struct msp_request *request,
                                    const bool wanted[MSP_DATASETS],
                                    struct shelf shelves[MSP_DATASETS], struct msp_error *error)
{
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    for (int dataset = 0; dataset < MSP_DATASETS && result == MSP_OK; dataset++) {
        if (wanted[dataset])
            result = msp_export_files(db, request->caller.tenant.id, (enum msp_dataset)dataset,
                                      request->arena, msp_request_db_deadline_ms(request),
                                      &shelves[dataset].files, &shelves[dataset].count, error);
    }
    msp_pool_give(request->worker->pool, db);
    return result;
}

static void write_file(struct msp_json_writer *writer, const struct msp_export_file *file)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", file->id);
    msp_json_key_string(writer, "dataset", msp_dataset_name(file->dataset));
    msp_json_key_string(writer, "format", msp_export_format_name(file->format));
    msp_json_key_day(writer, "day", file->day);
    msp_json_key_string(writer, "location", file->location);
    msp_json_key_int(writer, "rows", file->rows);
    msp_json_key_int(writer, "bytes", file->bytes);
    msp_json_key_string(writer, "sha256", file->sha256);
    msp_json_key_time(writer, "created_at", file->created_us);
    msp_json_end_object(writer);
}

int msp_handle_exports(const struct msp_request *request, struct msp_response *response)
{
    struct shelf shelves[MSP_DATASETS] = {{.files = NULL}};
    bool wanted[MSP_DATASETS] = {false};
    struct msp_json_writer writer;
    struct msp_error error;
    enum msp_result result = read_wanted(request, wanted, &error);

    if (result == MSP_OK)
        result = read_shelves(request, wanted, shelves, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "exports");
    msp_json_begin_array(&writer);
    for (int dataset = 0; dataset < MSP_DATASETS; dataset++) {
        for (size_t i = 0; i < shelves[dataset].count; i++)
            write_file(&writer, &shelves[dataset].files[i]);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}
