/* The files of this folder built into the program: schemas, and of each route what its row does not
 * know. */
#ifndef MSP_OPENAPI_FILES_H
#define MSP_OPENAPI_FILES_H

#include "msp/embedded_file.h"

extern const struct msp_embedded_file msp_openapi_file[]; /* in order of their names */

#endif
