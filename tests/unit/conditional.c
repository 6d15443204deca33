/* Conditional and partial requests: what a field means, and that nonsense means nothing. */
#include "conditional.h"

#include <criterion/criterion.h>

#define ETAG "\"abc\""

Test(conditional, if_none_match_finds_the_tag_in_a_list)
{
    static const char *const same[] = {ETAG, "W/" ETAG, "\"x\", " ETAG, "\"a,b\" ," ETAG,
                                       "*",  " *",      "\"\",W/" ETAG};
    static const char *const other[] = {"",        "abc",      "\"abcd\"", "\"ab\"",
                                        "\"abc",   "W/abc",    "\"x\\\"",  "\"ABC\"",
                                        "\"x\" y", "\"abc \"", "w/\"abc\""};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        cr_expect(msp_if_none_match(same[i], ETAG), "%s", same[i]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        cr_expect(!msp_if_none_match(other[i], ETAG), "%s", other[i]);
    cr_expect(!msp_if_none_match(NULL, ETAG));
}

Test(conditional, gzip_is_accepted_where_it_is_named_with_a_weight)
{
    static const char *const yes[] = {
        "gzip", "GZip", "br, gzip", "deflate,gzip;q=0.1", "gzip ; q=1.0", "identity;q=0, gzip"};
    static const char *const no[] = {"",      "br",      "gzip;q=0",        "gzip; q=0.000",
                                     "xgzip", "gzipped", "br;q=1,gzip;Q=0", "identity"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        cr_expect(msp_accepts_gzip(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        cr_expect(!msp_accepts_gzip(no[i]), "%s", no[i]);
    cr_expect(!msp_accepts_gzip(NULL));
}

static const struct {
    const char *field;
    enum msp_range range;
    int64_t first, last;
} ranges[] = {
    {"bytes=0-0", MSP_RANGE_PART, 0, 0},
    {"bytes=0-99", MSP_RANGE_PART, 0, 99},
    {"bytes=99-", MSP_RANGE_PART, 99, 99},
    {"BYTES=7-500", MSP_RANGE_PART, 7, 99},
    {"bytes=7-9 ", MSP_RANGE_PART, 7, 9},
    {"bytes=-1", MSP_RANGE_PART, 99, 99},
    {"bytes=-100", MSP_RANGE_PART, 0, 99},
    {"bytes=-18446744073709551617", MSP_RANGE_PART, 0, 99},
    {"bytes=1-18446744073709551617", MSP_RANGE_PART, 1, 99},
    {"bytes=100-", MSP_RANGE_OUTSIDE, 0, 0},
    {"bytes=9223372036854775808-", MSP_RANGE_OUTSIDE, 0, 0},
    {"bytes=-0", MSP_RANGE_OUTSIDE, 0, 0},
    {"bytes=9-8", MSP_RANGE_ALL, 0, 0},
    {"bytes=", MSP_RANGE_ALL, 0, 0},
    {"bytes=-", MSP_RANGE_ALL, 0, 0},
    {"bytes=1", MSP_RANGE_ALL, 0, 0},
    {"bytes=+1-2", MSP_RANGE_ALL, 0, 0},
    {"bytes=1-2,3-4", MSP_RANGE_ALL, 0, 0},
    {"bytes=1--2", MSP_RANGE_ALL, 0, 0},
    {"rows=1-2", MSP_RANGE_ALL, 0, 0},
    {"", MSP_RANGE_ALL, 0, 0},
};

Test(conditional, a_range_means_what_rfc_9110_says)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        int64_t first = 0;
        int64_t last = 0;
        enum msp_range range = msp_range_read(ranges[i].field, NULL, ETAG, 100, &first, &last);
        cr_expect(range == ranges[i].range, "%s: %d", ranges[i].field, (int)range);
        cr_expect(range != MSP_RANGE_PART || (first == ranges[i].first && last == ranges[i].last),
                  "%s", ranges[i].field);
    }
}

Test(conditional, a_range_holds_only_for_the_content_it_was_meant_for)
{
    int64_t first;
    int64_t last;
    cr_expect(msp_range_read(NULL, NULL, ETAG, 100, &first, &last) == MSP_RANGE_ALL);
    cr_expect(msp_range_read("bytes=0-1", ETAG, ETAG, 100, &first, &last) == MSP_RANGE_PART);
    cr_expect(msp_range_read("bytes=0-1", "\"x\"", ETAG, 100, &first, &last) == MSP_RANGE_ALL);
    cr_expect(msp_range_read("bytes=0-1", "W/" ETAG, ETAG, 100, &first, &last) == MSP_RANGE_ALL);
    cr_expect(msp_range_read("bytes=900-", "\"x\"", ETAG, 100, &first, &last) == MSP_RANGE_ALL);
}

Test(conditional, an_empty_content_has_no_part)
{
    int64_t first;
    int64_t last;
    cr_expect(msp_range_read("bytes=0-", NULL, ETAG, 0, &first, &last) == MSP_RANGE_OUTSIDE);
    cr_expect(msp_range_read("bytes=-1", NULL, ETAG, 0, &first, &last) == MSP_RANGE_OUTSIDE);
}
