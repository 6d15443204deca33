/* How "no value" looks where a number is stored plainly. */
#ifndef MSP_NO_VALUE_H
#define MSP_NO_VALUE_H

#include <stdint.h>

#define MSP_NO_TIME INT64_MIN /* an instant in microseconds that is not there */
#define MSP_NO_DAY  INT32_MIN /* a day that is not there */

#endif
