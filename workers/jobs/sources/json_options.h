/* The settings of the generic JSON source, read once. */
#ifndef MSP_JSON_OPTIONS_H
#define MSP_JSON_OPTIONS_H

#include "sources/source_map.h"

#define MSP_JSON_MEMBERS 24

/* How the rows behind a page are found. */
enum msp_json_paging {
    MSP_JSON_SINCE,  /* by asking again since the last change read; needs that order */
    MSP_JSON_NUMBER, /* by the page's number, in an order that changes do not move */
    MSP_JSON_NEXT,   /* by an address or token in the answer */
    MSP_JSON_LINK,   /* by the field Link */
    MSP_JSON_NONE,   /* there are none */
};

enum msp_json_time { MSP_JSON_UTC, MSP_JSON_LOCAL, MSP_JSON_UNIX };

/* Texts are borrowed from the order's options, NULL where none was given. */
struct msp_json_options {
    const char *url, *list, *ids;
    const char *rows, *next, *token;
    const char *since, *page, *size;
    int64_t page_size, overlap_seconds, delay_seconds;
    enum msp_json_paging paging;
    enum msp_json_time since_form;
    enum msp_json_time times;
    struct msp_local_zone *zone; /* owned */
    struct msp_source_member members[MSP_JSON_MEMBERS + 1];
    struct msp_source_map map; /* by members */
};

/* MSP_INVALID "source_option_wrong" for options that make no sense together. *out is then nothing
 * to be done with; it must stay where it is. */
enum msp_result msp_json_options_init(struct msp_json_options *out,
                                      const struct msp_source_order *order,
                                      struct msp_error *error) MSP_MUST_CHECK;
void msp_json_options_done(struct msp_json_options *options);

#endif
