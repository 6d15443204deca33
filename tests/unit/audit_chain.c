/* The chain of the audit log: every part of a line counts, and an erased payload does not. */
#include "msp/audit_chain.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char key[] = "0123456789abcdef0123456789abcdef";
static const unsigned char salt[MSP_AUDIT_SALT_BYTES] = "sixteen bytes..";

static const struct msp_audit_payload a_payload = {"ann@example.com", "192.0.2.7", "harbor", "00ff",
                                                   "{\"before\":null,\"after\":{}}"};

static void digest_of(const struct msp_audit_payload *payload, unsigned char *out)
{
    cr_assert_eq(msp_audit_digest(payload, salt, out, NULL), MSP_OK);
}

static void mac_of(const struct msp_audit_link *link, unsigned char *out)
{
    cr_assert_eq(msp_audit_mac(key, sizeof key - 1, link, out, NULL), MSP_OK);
}

static struct msp_audit_link a_link(void)
{
    struct msp_audit_link link = {7,   3,  41, 1700000000123456, "key.create", "0011223344556677",
                                  {0}, {0}};
    digest_of(&a_payload, link.digest);
    return link;
}

static void hex_of(const unsigned char *bytes, char out[65])
{
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool differs(const struct msp_audit_link *link)
{
    struct msp_audit_link first = a_link();
    unsigned char one[MSP_AUDIT_DIGEST_BYTES];
    unsigned char other[MSP_AUDIT_DIGEST_BYTES];
    mac_of(&first, one);
    mac_of(link, other);
    return memcmp(one, other, sizeof one) != 0;
}

/* Both numbers are those of another implementation: see the service tests. */
Test(audit_chain, the_form_of_a_line_stays_as_it_is)
{
    struct msp_audit_link link = a_link();
    unsigned char mac[MSP_AUDIT_DIGEST_BYTES];
    char digest_text[65];
    char mac_text[65];
    mac_of(&link, mac);
    hex_of(link.digest, digest_text);
    hex_of(mac, mac_text);
    cr_expect_str_eq(digest_text,
                     "088c45e25f884eca9449fa1c0570aaa43ea00589c5a444a971d481bcb83f37f6");
    cr_expect_str_eq(mac_text, "39006a4679771b7916683ffe146896ac5bf95e4033dc4c85b38b372685f39b67");
}

Test(audit_chain, every_member_of_the_payload_counts)
{
    unsigned char first[MSP_AUDIT_DIGEST_BYTES];
    unsigned char other[MSP_AUDIT_DIGEST_BYTES];
    struct msp_audit_payload changed[5] = {a_payload, a_payload, a_payload, a_payload, a_payload};
    changed[0].actor = "eve@example.com";
    changed[1].address = NULL;
    changed[2].object = "";
    changed[3].request_id = "00fe";
    changed[4].detail = "{\"before\":null,\"after\":{} }";
    digest_of(&a_payload, first);
    for (size_t i = 0; i < 5; i++) {
        digest_of(&changed[i], other);
        cr_expect(memcmp(first, other, sizeof first) != 0, "member %zu", i);
    }
}

Test(audit_chain, texts_do_not_run_together_and_none_is_not_empty)
{
    const struct msp_audit_payload pairs[][2] = {
        {{"ab", "c", NULL, NULL, NULL}, {"a", "bc", NULL, NULL, NULL}},
        {{"a", NULL, NULL, NULL, NULL}, {"a", "", NULL, NULL, NULL}},
        {{"a", "b", NULL, NULL, NULL}, {"a", NULL, "b", NULL, NULL}},
    };
    unsigned char one[MSP_AUDIT_DIGEST_BYTES];
    unsigned char other[MSP_AUDIT_DIGEST_BYTES];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        digest_of(&pairs[i][0], one);
        digest_of(&pairs[i][1], other);
        cr_expect(memcmp(one, other, sizeof one) != 0, "pair %zu", i);
    }
}

Test(audit_chain, the_salt_hides_what_was_digested)
{
    static const unsigned char another[MSP_AUDIT_SALT_BYTES] = "other 16 bytes.";
    unsigned char one[MSP_AUDIT_DIGEST_BYTES];
    unsigned char other[MSP_AUDIT_DIGEST_BYTES];
    digest_of(&a_payload, one);
    cr_assert_eq(msp_audit_digest(&a_payload, another, other, NULL), MSP_OK);
    cr_expect(memcmp(one, other, sizeof one) != 0);
}

Test(audit_chain, every_member_of_the_link_counts)
{
    struct msp_audit_link links[8];
    for (size_t i = 0; i < 8; i++)
        links[i] = a_link();
    links[0].tenant_id++;
    links[1].place++;
    links[2].id++;
    links[3].at_us++;
    links[4].action = "key.revoke";
    links[5].key_id = "0011223344556678";
    links[6].digest[31] ^= 1;
    links[7].previous[0] ^= 1;
    for (size_t i = 0; i < 8; i++)
        cr_expect(differs(&links[i]), "member %zu", i);
}

Test(audit_chain, another_key_makes_another_mac)
{
    struct msp_audit_link link = a_link();
    unsigned char one[MSP_AUDIT_DIGEST_BYTES];
    unsigned char other[MSP_AUDIT_DIGEST_BYTES];
    mac_of(&link, one);
    cr_assert_eq(msp_audit_mac(key, sizeof key - 2, &link, other, NULL), MSP_OK);
    cr_expect(memcmp(one, other, sizeof one) != 0);
}

Test(audit_chain, keys_are_found_by_their_ids)
{
    struct msp_audit_keys keys;
    char id[MSP_AUDIT_KEY_ID_BYTES];
    msp_audit_keys_read("the present one", "second, third,,fourth ", &keys);
    cr_assert_eq(keys.count, 4);
    for (size_t i = 0; i < keys.count; i++)
        cr_expect(msp_audit_keys_find(&keys, keys.keys[i].id) == &keys.keys[i]);
    msp_audit_key_id("third", 5, id);
    const struct msp_audit_key *third = msp_audit_keys_find(&keys, id);
    cr_assert_not_null(third);
    cr_expect_eq(third->size, 5);
    cr_expect_arr_eq(third->bytes, "third", 5);
    cr_expect_null(msp_audit_keys_find(&keys, "0000000000000000"));
    cr_expect_null(msp_audit_keys_find(&keys, MSP_AUDIT_DATABASE_KEY));
}

Test(audit_chain, no_secret_is_no_key)
{
    struct msp_audit_keys keys;
    msp_audit_keys_read(NULL, NULL, &keys);
    cr_expect_eq(keys.count, 0);
    msp_audit_keys_read("", " , ,", &keys);
    cr_expect_eq(keys.count, 0);
}

Test(audit_chain, more_keys_than_there_is_room_for_are_left_out)
{
    struct msp_audit_keys keys;
    char many[3 * MSP_AUDIT_KEYS_MOST + 64] = "";
    for (size_t i = 0; i < MSP_AUDIT_KEYS_MOST + 5; i++)
        memcpy(many + 2 * i, "k,", 3);
    msp_audit_keys_read("first", many, &keys);
    cr_expect_eq(keys.count, (size_t)MSP_AUDIT_KEYS_MOST);
}
