/* What a reload may not change: settings that hold from the start of the master to its end. */
#include "settings_table.h"

#include <string.h>

void msp_settings_keep_restart(const struct msp_settings *before, struct msp_settings *after)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->reload == MSP_RELOAD_RESTART)
            memcpy((char *)after + row->offset, (const char *)before + row->offset, row->size);
    }
}
