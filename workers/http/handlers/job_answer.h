/* Jobs as callers see them, and the one way in which a call starts one. */
#ifndef MSP_HTTP_JOB_ANSWER_H
#define MSP_HTTP_JOB_ANSWER_H

#include "../request.h"
#include "../response.h"
#include "msp/job_json.h"
#include "msp/job_store.h"
#include "msp/json_writer.h"

/* {"job":{…}} with status 200. */
int msp_job_answer(const struct msp_request *request, struct msp_response *response,
                   const struct msp_job *job);

/*
 * Starts the job for the tenant (0 = all) under the request's Idempotency-Key, wakes the job worker
 * and, where the caller prefers to wait, waits. 202 with Location (`location` and the job's id), or
 * 200 with the ended job and its result's members at the top level. `by_staff` and `idempotency` of
 * the request are set here.
 */
int msp_job_answer_start(const struct msp_request *request, struct msp_response *response,
                         int64_t tenant_id, const struct msp_job_request *wanted,
                         const char *location);

/*
 * Inserts the job and waits for it in any case, until `deadline_ms`. On MSP_OK *out is the job as
 * it was last seen, ended or not.
 */
enum msp_result msp_job_run(const struct msp_request *request, int64_t tenant_id,
                            const struct msp_job_request *wanted, int64_t deadline_ms,
                            struct msp_job *out, struct msp_error *error) MSP_MUST_CHECK;

/* A job's result or error as an object: a new reference, NULL if there is none that can be read. */
json_t *msp_job_object(const char *json);

/* Writes the members of `object` other than those named in `except` (closed by NULL) into the open
 * object. */
void msp_json_write_members(struct msp_json_writer *writer, const json_t *object,
                            const char *const except[]);

/* 200 unless the body could not be built: then the problem that says so. */
int msp_json_answer(const struct msp_request *request, struct msp_response *response);

#endif
