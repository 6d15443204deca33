/* Lists of IPv4 addresses: what they cover and which texts are refused. */
#include "msp/address_list.h"

#include <criterion/criterion.h>
#include <string.h>

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

Test(address_list, covers_what_the_entries_say)
{
    static const struct {
        const char *list;
        uint32_t address;
        bool covered;
    } cases[] = {
        {"127.0.0.0/8", IP(127, 0, 0, 1), true},
        {"127.0.0.0/8", IP(127, 255, 255, 255), true},
        {"127.0.0.0/8", IP(128, 0, 0, 0), false},
        {"10.1.2.3", IP(10, 1, 2, 3), true},
        {"10.1.2.3", IP(10, 1, 2, 4), false},
        {"10.1.2.3/32", IP(10, 1, 2, 3), true},
        {"10.1.2.77/24", IP(10, 1, 2, 1), true}, /* host bits are cut off */
        {"0.0.0.0/0", IP(8, 8, 8, 8), true},
        {"10.0.0.0/9,192.168.0.0/16", IP(192, 168, 3, 4), true},
        {" 10.0.0.0/9 ,\t192.168.0.0/16 ", IP(192, 168, 3, 4), true},
        {"10.0.0.0/9, 192.168.0.0/16", IP(10, 128, 0, 0), false},
        {"", IP(127, 0, 0, 1), false},
        {",", IP(0, 0, 0, 0), false},
        {"rubbish, 127.0.0.1", IP(127, 0, 0, 1), true},
        {"0.0.0.0", IP(0, 0, 0, 0), true},
        {"255.255.255.255/31", IP(255, 255, 255, 254), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect(msp_address_list_contains(cases[i].list, cases[i].address) == cases[i].covered,
                  "case %zu: \"%s\"", i, cases[i].list);
    }
}

Test(address_list, accepts_lists_and_nothing_at_all)
{
    static const char *const good[] = {"", "  ", "1.2.3.4", "1.2.3.4/0", "1.2.3.4/32 , 10.0.0.0/8"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(msp_address_list_is_valid(good[i], NULL, NULL), "\"%s\"", good[i]);
    }
}

Test(address_list, refuses_and_shows_the_first_bad_entry)
{
    static const struct {
        const char *list;
        const char *bad;
    } cases[] = {
        {"1.2.3", "1.2.3"},
        {"1.2.3.4/33", "1.2.3.4/33"},
        {"1.2.3.4/", "1.2.3.4/"},
        {"1.2.3.4/08", "1.2.3.4/08"},
        {"1.2.3.4/+8", "1.2.3.4/+8"},
        {"1.2.3.4/8/8", "1.2.3.4/8/8"},
        {"01.2.3.4", "01.2.3.4"},
        {"256.0.0.1", "256.0.0.1"},
        {"1.2.3.4,", ""},
        {"1.2.3.4,,5.6.7.8", ""},
        {"1.2.3.4 5.6.7.8", "1.2.3.4 5.6.7.8"},
        {"localhost", "localhost"},
        {"::1", "::1"},
        {"10.0.0.0/8, a.very.long.entry.that.fits.nowhere", "a.very.long.entry.that.fits.nowhere"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *bad = NULL;
        size_t length = 0;
        cr_expect(!msp_address_list_is_valid(cases[i].list, &bad, &length), "\"%s\"",
                  cases[i].list);
        cr_expect(bad != NULL && length == strlen(cases[i].bad) &&
                      memcmp(bad, cases[i].bad, length) == 0,
                  "case %zu showed %.*s", i, (int)length, bad == NULL ? "" : bad);
    }
}
