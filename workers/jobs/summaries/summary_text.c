/* Putting sentences together, and telling which facts they stand on. */
#include "summary_text.h"

#include <string.h>

enum msp_result msp_summary_text_join(struct msp_summary_text *out, struct msp_arena *arena,
                                      struct msp_error *error)
{
    size_t size = 1;
    for (size_t i = 0; i < out->sentence_count; i++)
        size += strlen(out->sentences[i].text) + 2;
    char *text = msp_arena_alloc(arena, size);
    if (text == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");

    size_t used = 0;
    for (size_t i = 0; i < out->sentence_count; i++) {
        const struct msp_summary_sentence *sentence = &out->sentences[i];
        size_t length = strlen(sentence->text);
        if (i > 0 && sentence->paragraph != out->sentences[i - 1].paragraph) {
            text[used++] = '\n';
            text[used++] = '\n';
        } else if (i > 0) {
            text[used++] = ' ';
        }
        memcpy(text + used, sentence->text, length);
        used += length;
    }
    text[used] = '\0';
    out->text = text;
    return MSP_OK;
}

void msp_summary_text_write_json(struct msp_json_writer *writer,
                                 const struct msp_summary_text *text)
{
    msp_json_begin_array(writer);
    for (size_t i = 0; i < text->sentence_count; i++) {
        const struct msp_summary_sentence *sentence = &text->sentences[i];
        msp_json_begin_object(writer);
        msp_json_key_int(writer, "paragraph", (int64_t)sentence->paragraph);
        msp_json_key_string(writer, "text", sentence->text);
        msp_json_key(writer, "facts");
        msp_json_begin_array(writer);
        for (size_t f = 0; f < sentence->fact_count; f++)
            msp_json_string(writer, sentence->facts[f]->id);
        msp_json_end_array(writer);
        msp_json_end_object(writer);
    }
    msp_json_end_array(writer);
}
