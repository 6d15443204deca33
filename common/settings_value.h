/* One value of one row: text into the struct with all its checks, and back into text. */
#ifndef MSP_SETTINGS_VALUE_H
#define MSP_SETTINGS_VALUE_H

#include "settings_table.h"

/*
 * Checks `text` and stores it. On failure *reason gets the rest of a sentence that begins with the
 * setting's name ("must be 4 to 8192 threads"); it repeats no text that may be secret.
 */
bool setting_store(const struct setting_row *row, const char *text, struct msp_settings *settings,
                   char *reason, size_t reason_size);

/* The value with secrets masked, long enough for any masked value. */
struct setting_text {
    char text[MSP_SETTINGS_LIST_BYTES + 256];
};
void setting_show(const struct setting_row *row, const struct msp_settings *settings,
                  struct setting_text *out);

bool setting_is_empty(const struct setting_row *row, const struct msp_settings *settings);
bool setting_is_equal(const struct setting_row *row, const struct msp_settings *left,
                      const struct msp_settings *right);

#endif
