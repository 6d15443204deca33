/*
 * Whatever a ticket system answers: its page of tickets is mended, read, mapped and put into a
 * batch, its fields are read for quotas and the next page, its words are quoted. The first byte
 * says which.
 */
#include "msp/json_reader.h"
#include "msp/utf8.h"
#include "sources/rate_fields.h"
#include "sources/source_call.h"
#include "sources/source_map.h"
#include "sources/source_place.h"
#include "sources/source_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static const struct msp_source_member members[] = {
    {"external_id", "id|key", MSP_SOURCE_AS_TEXT},
    {"title", "fields.0.title", MSP_SOURCE_AS_TEXT},
    {"status", "status.name|status", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"created_at", "created", MSP_SOURCE_AS_LOCAL_TIME},
    {"updated_at", "updated", MSP_SOURCE_AS_TIME},
    {"resolved_at", "resolved", MSP_SOURCE_AS_UNIX_TIME},
    {"sla_met", "breached", MSP_SOURCE_AS_NOT_VERDICT},
    {"reopen_count", "reopens", MSP_SOURCE_AS_COUNT},
    {"csat", "score", MSP_SOURCE_AS_SCORE},
    {0},
};
static const struct msp_source_word words[] = {{"1", "open"}, {"done", "closed"}, {0}};
/* Without a zone local times are UTC; where zones step is GLib's business. */
static const struct msp_source_map map = {
    .members = members, .statuses = words, .priorities = words + 2};

static void take_page(char *text, size_t length)
{
    static const struct msp_json_limits limits = {1U << 20, 32, 20000};
    struct msp_error error;
    json_t *page = NULL;
    msp_source_mend(text, length);
    if (msp_json_parse(text, length, &limits, &page, &error) != MSP_OK)
        return;
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    require(batch != NULL);
    size_t index;
    json_t *row;
    json_array_foreach(page, index, row)
    {
        int64_t updated_us;
        require(msp_source_take(&map, row, batch, &updated_us, &error) == MSP_OK);
    }
    msp_ticket_batch_free(batch);
    json_decref(page);
}

static void read_fields(const char *text)
{
    static struct msp_egress_field fields[MSP_RATE_FIELDS];
    struct msp_source_quota quotas[MSP_RATE_QUOTAS];
    for (size_t i = 0; i < MSP_RATE_FIELDS; i++) {
        /* One text in every field: each reader sees it. */
        fields[i].name = msp_rate_field_names[i];
        (void)snprintf(fields[i].value, sizeof fields[i].value, "%s", text);
    }
    require(msp_rate_fields_read(fields, 1795000000, quotas) <= MSP_RATE_QUOTAS);
    char next[256];
    if (msp_source_next_link(text, next, sizeof next))
        require(strlen(next) < sizeof next && strstr(text, next) != NULL);
}

static void quote(const char *text, size_t length)
{
    char said[MSP_SOURCE_WORDS_BYTES];
    msp_source_words(text, length, said);
    size_t left = strlen(said);
    for (const char *at = said; left > 0;) {
        size_t bytes = msp_utf8_character_bytes(at, left);
        require(bytes > 0 && (unsigned char)*at >= ' ' && *at != 0x7f);
        at += bytes;
        left -= bytes;
    }
}

static void read_place(const char *text)
{
    struct msp_source_place place;
    struct msp_source_place again;
    struct msp_error error;
    char written[MSP_CURSOR_BYTES];
    if (msp_source_place_read("f1", text, &place, &error) != MSP_OK)
        return;
    require(msp_source_place_write("f1", &place, written, &error) == MSP_OK);
    require(msp_source_place_read("f1", written, &again, &error) == MSP_OK);
    require(again.high_water_us == place.high_water_us && again.from_us == place.from_us &&
            again.until_us == place.until_us && again.reached_us == place.reached_us &&
            strcmp(again.page, place.page) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size); /* without the first byte, with a NUL */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        take_page(text, size - 1);
        break;
    case 1:
        read_fields(text);
        break;
    case 2:
        quote(text, size - 1);
        break;
    default:
        read_place(text);
    }
    free(text);
    return 0;
}
