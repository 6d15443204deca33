/* msp-analytics ingest pull, kpi compute and export generate: the jobs that n8n starts over HTTP,
 * from a shell. */
#include "job_follow.h"

#include "msp/json_writer.h"

/* Adds an option's text under a member's name, if it was given. */
static void add_text(const struct msp_invocation *invocation, struct msp_json_writer *writer,
                     const char *name)
{
    const char *value = msp_invocation_option(invocation, name);
    if (value != NULL)
        msp_json_key_string(writer, name, value);
}

static bool range_is_fine(const struct msp_invocation *invocation)
{
    if (!msp_invocation_day_is_fine(invocation, "from") ||
        !msp_invocation_day_is_fine(invocation, "to"))
        return false;
    const bool has_from = msp_invocation_option(invocation, "from") != NULL;
    const bool has_to = msp_invocation_option(invocation, "to") != NULL;
    if (has_from != has_to)
        (void)msp_invocation_misused(invocation, "--from and --to come together");
    return has_from == has_to;
}

/* Closes the object in `parameters` and starts the job with it. Gives the buffer back. */
static int start(const struct msp_invocation *invocation, struct msp_json_writer *writer,
                 const char *kind, enum msp_job_lane lane)
{
    struct msp_buffer *text = writer->out;
    msp_json_end_object(writer);
    msp_buffer_append(text, "", 1);
    int code = MSP_COMMAND_FAILED;
    if (text->failed) {
        msp_invocation_complain(invocation, "out of memory");
    } else {
        const struct msp_job_order order = {
            .tenant = msp_invocation_option(invocation, "tenant"),
            .request = {.kind = kind,
                        .lane = lane,
                        .parameters = text->data,
                        .merges = true,
                        .by_person = true},
        };
        code = msp_job_start(invocation, &order);
    }
    msp_buffer_done(text);
    return code;
}

static void begin(struct msp_json_writer *writer, struct msp_buffer *text)
{
    msp_buffer_init(text, 0);
    msp_json_writer_init(writer, text);
    msp_json_begin_object(writer);
}

int msp_command_ingest_pull(const struct msp_invocation *invocation)
{
    struct msp_buffer text;
    struct msp_json_writer writer;
    begin(&writer, &text);
    return start(invocation, &writer, "ingest", MSP_LANE_SHORT);
}

int msp_command_kpi_compute(const struct msp_invocation *invocation)
{
    if (!range_is_fine(invocation) || !msp_invocation_day_is_fine(invocation, "date"))
        return MSP_COMMAND_WRONG;
    if (msp_invocation_option(invocation, "date") != NULL &&
        msp_invocation_option(invocation, "from") != NULL)
        return msp_invocation_misused(invocation, "give --date or a range, not both");
    struct msp_buffer text;
    struct msp_json_writer writer;
    begin(&writer, &text);
    add_text(invocation, &writer, "date");
    add_text(invocation, &writer, "from");
    add_text(invocation, &writer, "to");
    return start(invocation, &writer, "kpi", MSP_LANE_LONG);
}

int msp_command_export_generate(const struct msp_invocation *invocation)
{
    if (!range_is_fine(invocation))
        return MSP_COMMAND_WRONG;
    struct msp_buffer text;
    struct msp_json_writer writer;
    begin(&writer, &text);
    add_text(invocation, &writer, "from");
    add_text(invocation, &writer, "to");
    if (msp_invocation_option(invocation, "force") != NULL)
        msp_json_key_bool(&writer, "force", true);
    return start(invocation, &writer, "export", MSP_LANE_LONG);
}
