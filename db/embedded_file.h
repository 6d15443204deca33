/* Text files of db/ built into the program. */
#ifndef MSP_DB_EMBEDDED_FILE_H
#define MSP_DB_EMBEDDED_FILE_H

#include "msp/embedded_file.h"

extern const struct msp_embedded_file msp_migration[]; /* in order of their names */
extern const struct msp_embedded_file msp_query[];

#endif
