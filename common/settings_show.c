/*
 * Settings as people see them: show-config, the sample file, what a reload
 * changed. Secrets never leave through here.
 */
#include "msp/json_writer.h"
#include "settings_value.h"

#include <string.h>

static void show_as_json(const struct msp_settings *settings, struct msp_buffer *out)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        struct setting_text value;
        setting_show(row, settings, &value);
        msp_json_key(&writer, row->name);
        if (row->type == SETTING_INT || row->type == SETTING_BOOL) {
            msp_json_raw(&writer, value.text);
        } else {
            msp_json_string(&writer, value.text);
        }
    }
    msp_json_end_object(&writer);
    msp_buffer_append_text(out, "\n");
}

void msp_settings_show(const struct msp_settings *settings, bool as_json, struct msp_buffer *out)
{
    if (as_json) {
        show_as_json(settings, out);
        return;
    }
    for (size_t i = 0; i < setting_count; i++) {
        struct setting_text value;
        setting_show(&setting_rows[i], settings, &value);
        msp_buffer_printf(out, "%s=%s\n", setting_rows[i].name, value.text);
    }
}

static const char *when_it_holds(enum msp_setting_reload reload)
{
    switch (reload) {
    case MSP_RELOAD_AT_ONCE:
        return "A reload changes it at once.";
    case MSP_RELOAD_WORKERS:
        return "A reload changes it by new workers.";
    case MSP_RELOAD_RESTART:
        return "Only a restart changes it.";
    }
    return "";
}

static void append_bounds(const struct setting_row *row, struct msp_buffer *out)
{
    if (row->type == SETTING_INT) {
        msp_buffer_printf(out, " %d to %d %s.", row->minimum, row->maximum, row->unit);
    } else if (row->type == SETTING_SECRET || row->type == SETTING_WEBHOOK_SECRET) {
        msp_buffer_printf(out, " At least %d bytes.", row->minimum);
    } else if (row->type == SETTING_BOOL) {
        msp_buffer_append_text(out, " true or false.");
    } else if (row->type == SETTING_ENUM) {
        msp_buffer_append_text(out, " One of");
        for (const char *const *word = row->words; *word != NULL; word++) {
            msp_buffer_printf(out, "%s %s", word == row->words ? "" : ",", *word);
        }
        msp_buffer_append_text(out, ".");
    }
}

void msp_settings_sample(struct msp_buffer *out)
{
    msp_buffer_append_text(
        out,
        "# Settings of msp-analytics: NAME=value lines, values quoted where they hold blanks.\n"
        "# Any of them may be given as NAME_FILE=/path instead, which reads the value from a "
        "file.\n"
        "# The command line comes before the environment, that before this file.\n");
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        msp_buffer_printf(out, "\n# %s", row->help);
        append_bounds(row, out);
        msp_buffer_printf(out, " %s\n", when_it_holds(row->reload));
        if (row->derived_from != NULL) {
            msp_buffer_printf(out, "# Default: %s.\n", row->derived_from);
        }
        msp_buffer_printf(out, "#%s=%s\n", row->name, row->initial);
    }
}

static const char *takes_hold(enum msp_setting_reload reload)
{
    switch (reload) {
    case MSP_RELOAD_AT_ONCE:
        return "at once";
    case MSP_RELOAD_WORKERS:
        return "new workers";
    case MSP_RELOAD_RESTART:
        return "restart";
    }
    return "";
}

static void append_row(const struct setting_row *row, struct msp_buffer *out)
{
    msp_buffer_printf(out, "| `%s` | ", row->name);
    if (row->derived_from != NULL)
        msp_buffer_append_text(out, row->derived_from);
    else if (row->initial[0] != '\0')
        msp_buffer_printf(out, "`%s`", row->initial);
    msp_buffer_printf(out, " | %s | %s", takes_hold(row->reload), row->help);
    append_bounds(row, out);
    msp_buffer_append_text(out, " |\n");
}

void msp_settings_markdown(struct msp_buffer *out)
{
    msp_buffer_append_text(
        out,
        "# Settings\n\n"
        "Made by `msp-analytics show-config --markdown` out of the table of settings; "
        "[sample.env](../sample.env) is\nits `--sample`.\n\n"
        "The command line (`--set NAME=value`) comes before the environment, that before the env "
        "file\n(`--env-file FILE`), that before the default. Any setting may be given as "
        "`NAME_FILE=/path` instead,\nwhich reads its value from a file; an empty value stands for "
        "the default. `check-config` says everything\nthat is wrong, `show-config` prints what "
        "holds, secrets masked.\n\n"
        "*Takes hold* says when a changed value is in force after `msp-analytics reload` (SIGHUP): "
        "at once, by new\nworkers while the old ones finish, or only by a restart.\n\n"
        "| setting | default | takes hold | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < setting_count; i++)
        append_row(&setting_rows[i], out);
}

void msp_settings_tell(msp_settings_hear hear, void *context)
{
    struct msp_buffer meaning;
    msp_buffer_init(&meaning, 0);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        meaning.length = 0;
        msp_buffer_append_text(&meaning, row->help);
        append_bounds(row, &meaning);
        msp_buffer_printf(&meaning, " %s", when_it_holds(row->reload));
        msp_buffer_append(&meaning, "", 1);
        hear(context, row->name, row->derived_from != NULL ? row->derived_from : row->initial,
             meaning.failed ? row->help : meaning.data);
    }
    msp_buffer_done(&meaning);
}

int msp_settings_compare(const struct msp_settings *before, const struct msp_settings *after,
                         msp_settings_visit visit, void *context)
{
    int different = 0;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (setting_is_equal(row, before, after)) {
            continue;
        }
        different++;
        if (visit != NULL) {
            struct setting_text old_value;
            struct setting_text new_value;
            setting_show(row, before, &old_value);
            setting_show(row, after, &new_value);
            visit(context, row->name, row->reload, old_value.text, new_value.text);
        }
    }
    return different;
}
