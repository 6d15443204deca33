/* Names of exported files. Opens none. */
#include "export_names.h"

#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdio.h>

void msp_export_file_name(int32_t day, enum msp_export_format format,
                          char out[MSP_EXPORT_NAME_BYTES])
{
    const char *suffix = msp_export_format_name(format);
    if (day == MSP_NO_DAY) {
        (void)snprintf(out, MSP_EXPORT_NAME_BYTES, "latest.%s", suffix);
        return;
    }
    char text[MSP_DAY_TEXT_BYTES];
    msp_day_format(day, text);
    (void)snprintf(out, MSP_EXPORT_NAME_BYTES, "date=%s/part-0.%s", text, suffix);
}

int msp_export_columns(enum msp_dataset dataset)
{
    int columns = 1;
    for (const char *at = msp_dataset_header(dataset); *at != '\0'; at++) {
        columns += *at == ',';
    }
    return columns;
}
