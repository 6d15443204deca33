/* The page of documentation that the rows of source kinds make. */
#include "msp/source_kinds.h"

#include <string.h>

static const char *type_name(enum msp_source_option_type type)
{
    switch (type) {
    case MSP_SOURCE_TEXT:
        return "text";
    case MSP_SOURCE_URL:
        return "address";
    case MSP_SOURCE_NUMBER:
        return "number";
    case MSP_SOURCE_WORDS:
        return "words";
    case MSP_SOURCE_OBJECT:
        return "object";
    }
    return "";
}

static const char *need_of(const struct msp_source_option *option)
{
    if (option->is_required) {
        return "required";
    }
    return option->fallback != NULL ? option->fallback : "nothing";
}

/* A bar would end the cell. */
static void append_cell(struct msp_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            msp_buffer_append_text(out, "\\");
        }
        msp_buffer_append(out, text, 1);
    }
}

static void append_options(struct msp_buffer *out, const struct msp_source_option *option)
{
    msp_buffer_append_text(out, "| option | takes | without it | meaning |\n|---|---|---|---|\n");
    for (; option->name != NULL; option++) {
        msp_buffer_printf(out, "| `%s` | %s%s | %s | ", option->name, type_name(option->type),
                          option->is_secret ? ", secret" : "", need_of(option));
        append_cell(out, option->help);
        msp_buffer_append_text(out, " |\n");
    }
}

void msp_source_kinds_markdown(struct msp_buffer *out)
{
    const struct msp_source_kind *kind;
    msp_buffer_append_text(
        out,
        "# Kinds of ticket sources and their options\n\n"
        "Made by `msp-analytics source kinds --markdown` out of the table of kinds; "
        "[sources.md](sources.md) says how\na source is set and what to expect of it. *Words* are "
        "an object of texts in JSON. Secrets are given with\n`--secret NAME` and never shown "
        "again.\n\n## Options of every kind but mock\n\n");
    append_options(out, msp_source_common_options);
    for (size_t i = 0; (kind = msp_source_kind_at(i)) != NULL; i++) {
        if (kind->options[0].name != NULL) {
            msp_buffer_printf(out, "\n## %s: %s\n\n", kind->name, kind->title);
            append_options(out, kind->options);
        }
    }
}
