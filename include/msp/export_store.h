/* What was exported, and the rows of a dataset as CSV. */
#ifndef MSP_EXPORT_STORE_H
#define MSP_EXPORT_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/kpi_store.h"

enum msp_dataset { MSP_DATASET_KPI_DAILY, MSP_DATASET_TICKETS, MSP_DATASET_TENANTS };
#define MSP_DATASETS 3
const char *msp_dataset_name(enum msp_dataset dataset); /* "kpi_daily", "tickets", "tenants" */
bool msp_dataset_parse(const char *name, enum msp_dataset *out) MSP_MUST_CHECK;
/* Whether it is cut into days; one that is not, a dimension, is only a latest file. */
bool msp_dataset_has_days(enum msp_dataset dataset);

/* How files are written; each format has its own files and its own record of them. */
enum msp_export_format { MSP_EXPORT_CSV, MSP_EXPORT_CSV_GZ };
#define MSP_EXPORT_FORMATS 2
const char *msp_export_format_name(enum msp_export_format format); /* "csv", "csv.gz" */
bool msp_export_format_parse(const char *name, enum msp_export_format *out) MSP_MUST_CHECK;

/* Header row of the dataset, with its CRLF. Columns are only ever appended to. */
const char *msp_dataset_header(enum msp_dataset dataset);

/* A day to export and the revision of its computed KPIs. */
struct msp_export_day {
    int32_t day;
    int64_t revision; /* grows with each computation of the day; 0 = never computed */
    bool complete;
};

/*
 * The days of the range with their state, in order (every day, computed or not); or, with both ends
 * MSP_NO_DAY, the complete days whose revision differs from what was last exported of this
 * dataset in this format. None for a dataset without days.
 */
enum msp_result msp_export_days(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                enum msp_export_format format, int32_t from, int32_t to,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_export_day **out_days, size_t *out_count,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * Streams the rows of the given days (ascending) in day order, each as one finished CSV row with
 * CRLF; `take` gets the row's day, MSP_NO_DAY for a dataset without days. Runs in one transaction
 * of its own on one snapshot.
 */
typedef bool (*msp_export_take)(void *context, int32_t day, const char *row, size_t length);
enum msp_result msp_export_stream(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                  const struct msp_export_day *days, size_t count, int64_t idle_ms,
                                  msp_export_take take, void *context,
                                  struct msp_error *error) MSP_MUST_CHECK;

/*
 * One job at a time writes a dataset, on whichever node. Asks once whether it can be ours, which it
 * then is until msp_export_turn_end or the loss of the connection. *out_ours says so.
 */
enum msp_result msp_export_turn_try(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                    int64_t deadline_ms, bool *out_ours,
                                    struct msp_error *error) MSP_MUST_CHECK;
/* Closes the connection if that is what it takes. */
void msp_export_turn_end(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                         int64_t deadline_ms);

/* A file's revision while nobody can vouch for its content: an export was about to replace it. */
#define MSP_EXPORT_UNSURE (-1)

/* One written file. */
struct msp_export_file {
    char id[37];
    enum msp_dataset dataset;
    enum msp_export_format format;
    int columns; /* of its header */
    int32_t day; /* MSP_NO_DAY = latest.csv, the whole dataset */
    int64_t revision;
    const char *location; /* below EXPORT_STORAGE: "tenant=…/dataset=…/date=…/part-0.csv" */
    int64_t rows, bytes;
    char sha256[65];
    /* Of a compressed file's rows, without the header. */
    int64_t text_bytes;
    uint32_t text_crc;
    int64_t created_us;
};

/* Every file of the dataset on record, by format, then by day, its latest file last. */
enum msp_result msp_export_files(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                 struct msp_arena *arena, int64_t deadline_ms,
                                 struct msp_export_file **out_files, size_t *out_count,
                                 struct msp_error *error) MSP_MUST_CHECK;

/*
 * Before any of these files of one dataset and format appears: gives those on record, and the
 * latest one, MSP_EXPORT_UNSURE, fenced. MSP_CONFLICT "job_lost" says that none may appear, and so
 * does MSP_UNAVAILABLE "export_turn_lost": the turn went with the connection.
 */
enum msp_result msp_export_announce(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_fence *fence,
                                    const struct msp_export_file *files, size_t count,
                                    int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* As above, whosever turn it is: for files that appeared but were not recorded, lest another's
 * record of them be believed. */
enum msp_result msp_export_distrust(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_fence *fence,
                                    const struct msp_export_file *files, size_t count,
                                    int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* Records the files of one finished export, all of one dataset and format (id and created_us are
 * set by the store), fenced and in turn as above, in one transaction. */
enum msp_result msp_export_record(struct msp_db *db, int64_t tenant_id,
                                  const struct msp_fence *fence,
                                  const struct msp_export_file *files, size_t count,
                                  int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

#endif
