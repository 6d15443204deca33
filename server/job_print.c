/* Lines for people and JSON for programs, from the same rows. */
#include "job_print.h"

#include "msp/job_json.h"
#include "msp/json_reader.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

static const char *tenant_of(const struct msp_job *job)
{
    return job->tenant[0] != '\0' ? job->tenant : "(all)";
}

static void print_time(const char *label, int64_t unix_us)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES] = "-";
    if (unix_us != MSP_NO_TIME)
        msp_timestamp_format(unix_us, text);
    (void)printf("%-9s %s\n", label, text);
}

static void print_for_people(const struct msp_job *job)
{
    (void)printf("%-9s %s\n%-9s %s\n%-9s %s\n%-9s %s%s\n", "job", job->id, "kind", job->kind,
                 "tenant", tenant_of(job), "state", msp_job_state_name(job->state),
                 job->cancel_requested ? ", asked to stop" : "");
    (void)printf("%-9s %lld of %lld %s\n%-9s %d\n", "progress", (long long)job->done,
                 (long long)job->total, job->stage, "attempt", job->attempt);
    print_time("created", job->created_us);
    print_time("started", job->started_us);
    print_time("finished", job->finished_us);
    if (job->parameters != NULL)
        (void)printf("%-9s %s\n", "asked", job->parameters);
    if (job->result != NULL)
        (void)printf("%-9s %s\n", "result", job->result);
    if (job->error != NULL)
        (void)printf("%-9s %s\n", "error", job->error);
}

static void print_and_free(struct msp_buffer *text)
{
    if (!text->failed)
        (void)printf("%.*s\n", (int)text->length, text->data);
    msp_buffer_done(text);
}

void msp_job_print(const struct msp_job *job, bool as_json)
{
    if (!as_json) {
        print_for_people(job);
        return;
    }
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "job");
    msp_job_write(&writer, job);
    msp_json_end_object(&writer);
    print_and_free(&text);
}

static void print_line(const struct msp_job *job)
{
    char created[MSP_TIMESTAMP_TEXT_BYTES];
    char progress[48];
    msp_timestamp_format(job->created_us, created);
    (void)snprintf(progress, sizeof(progress), "%lld/%lld", (long long)job->done,
                   (long long)job->total);
    (void)printf("%-36s %-12s %-20s %-10s %-12s %s\n", job->id, job->kind, tenant_of(job),
                 msp_job_state_name(job->state), progress, created);
}

void msp_job_print_list(const struct msp_job *jobs, size_t count, bool as_json)
{
    if (!as_json) {
        (void)printf("%-36s %-12s %-20s %-10s %-12s %s\n", "job", "kind", "tenant", "state",
                     "progress", "created");
        for (size_t i = 0; i < count; i++)
            print_line(&jobs[i]);
        return;
    }
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "jobs");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        msp_job_write(&writer, &jobs[i]);
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    print_and_free(&text);
}

void msp_job_print_member(const char *json, const char *member, FILE *out)
{
    json_t *object = NULL;
    struct msp_error error;
    const char *text = NULL;
    if (json != NULL &&
        msp_json_parse(json, strlen(json), &msp_json_request_limits, &object, &error) == MSP_OK)
        text = json_string_value(json_object_get(object, member));
    (void)fprintf(out, "%s\n", text != NULL ? text : json != NULL ? json : "");
    json_decref(object);
}
