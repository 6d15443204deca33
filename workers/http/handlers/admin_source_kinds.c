/* What can be connected and what each kind asks for: the table of source kinds, for a form. */
#include "handlers.h"

#include "admin.h"

#include "msp/source_kinds.h"

static const char *const type_names[] = {
    [MSP_SOURCE_TEXT] = "text",   [MSP_SOURCE_URL] = "url",       [MSP_SOURCE_NUMBER] = "number",
    [MSP_SOURCE_WORDS] = "words", [MSP_SOURCE_OBJECT] = "object",
};

static void write_options(struct msp_json_writer *json, const struct msp_source_option *option)
{
    msp_json_begin_array(json);
    for (; option->name != NULL; option++) {
        msp_json_begin_object(json);
        msp_json_key_string(json, "name", option->name);
        msp_json_key_string(json, "type", type_names[option->type]);
        msp_json_key_bool(json, "required", option->is_required);
        msp_json_key_bool(json, "secret", option->is_secret);
        msp_json_key(json, "default");
        if (option->fallback != NULL)
            msp_json_string(json, option->fallback);
        else
            msp_json_null(json);
        msp_json_key_string(json, "help", option->help);
        msp_json_end_object(json);
    }
    msp_json_end_array(json);
}

int msp_handle_admin_source_kinds(const struct msp_request *request, struct msp_response *response)
{
    struct msp_json_writer json;
    const struct msp_source_kind *kind;

    (void)request;
    msp_admin_json(response, &json);
    msp_json_key(&json, "kinds");
    msp_json_begin_array(&json);
    for (size_t i = 0; (kind = msp_source_kind_at(i)) != NULL; i++) {
        msp_json_begin_object(&json);
        msp_json_key_string(&json, "name", kind->name);
        msp_json_key_string(&json, "title", kind->title);
        msp_json_key(&json, "options");
        write_options(&json, kind->options);
        msp_json_end_object(&json);
    }
    msp_json_end_array(&json);
    msp_json_key(&json, "common_options");
    write_options(&json, msp_source_common_options);
    msp_json_end_object(&json);
    return 200;
}
