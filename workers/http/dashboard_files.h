/* The web page of workers/dashboard as the build left it: each file plain and compressed. */
#ifndef MSP_HTTP_DASHBOARD_FILES_H
#define MSP_HTTP_DASHBOARD_FILES_H

#include <stddef.h>

struct msp_dashboard_file {
    const char *name; /* below /assets/, made of its content; "" is the page itself */
    const char *content_type;
    const char *etag; /* with its quotes, as is the compressed one's */
    const char *gzip_etag;
    const unsigned char *plain;
    size_t plain_bytes;
    const unsigned char *gzip;
    size_t gzip_bytes;
};

extern const struct msp_dashboard_file msp_dashboard_files[];
extern const size_t msp_dashboard_file_count;

#endif
