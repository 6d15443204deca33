/* Keys, cut-offs and revocations from PostgreSQL into shared memory, and uses of keys back. */
#include "credential_keeping.h"

#include "msp/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Uses that are written in one statement. */
#define BATCH 1000

static bool same_bytes(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

/* Both are cleared memory filled by the same store: equal content is equal bytes. */
static bool same_lists(const struct msp_credential_lists *a, const struct msp_credential_lists *b)
{
    return a->key_count == b->key_count && a->cut_off_count == b->cut_off_count &&
           a->revocation_count == b->revocation_count &&
           same_bytes(a->keys, b->keys, a->key_count * sizeof(*a->keys)) &&
           same_bytes(a->cut_offs, b->cut_offs, a->cut_off_count * sizeof(*a->cut_offs)) &&
           same_bytes(a->revocations, b->revocations,
                      a->revocation_count * sizeof(*a->revocations));
}

/* What was written stays known of the keys that stay; both lists are in the order of their ids. */
static uint32_t *carry_noted(const struct credential_keeping *keeping,
                             const struct msp_credential_lists *lists)
{
    uint32_t *noted = calloc(lists->key_count + 1, sizeof(*noted));
    size_t old = 0;
    for (size_t i = 0; noted != NULL && i < lists->key_count; i++) {
        while (old < keeping->lists.key_count &&
               strcmp(keeping->lists.keys[old].id, lists->keys[i].id) < 0)
            old++;
        if (old < keeping->lists.key_count &&
            strcmp(keeping->lists.keys[old].id, lists->keys[i].id) == 0)
            noted[i] = keeping->noted[old];
    }
    return noted;
}

static void log_published(const struct msp_credential_lists *lists)
{
    char keys[24];
    char cut_offs[24];
    char revocations[24];
    (void)snprintf(keys, sizeof(keys), "%zu", lists->key_count);
    (void)snprintf(cut_offs, sizeof(cut_offs), "%zu", lists->cut_off_count);
    (void)snprintf(revocations, sizeof(revocations), "%zu", lists->revocation_count);
    msp_log(MSP_LOG_DEBUG, "Credentials published", "keys", keys, "cut_offs", cut_offs,
            "signed_out_tokens", revocations, NULL);
}

/* Takes the lists over. */
static void publish(struct credential_keeping *keeping, struct msp_credential_cache *cache,
                    struct msp_credential_lists *lists)
{
    const struct msp_credentials credentials = {
        lists->keys,          lists->key_count,   lists->cut_offs,
        lists->cut_off_count, lists->revocations, lists->revocation_count,
    };
    struct msp_error error;
    uint32_t *noted = carry_noted(keeping, lists);
    if (noted == NULL)
        (void)msp_fail(&error, MSP_NO_MEMORY, "no_memory", "Out of memory");
    if (noted == NULL || msp_credential_cache_publish(cache, &credentials, &error) != MSP_OK) {
        msp_log(MSP_LOG_ERROR, "Cannot publish the credentials; the old ones stay", "detail",
                error.detail, NULL);
        free(noted);
        msp_credential_lists_done(lists);
        return;
    }
    credential_keeping_done(keeping);
    keeping->lists = *lists;
    keeping->noted = noted;
    keeping->published = true;
    log_published(lists);
}

enum msp_result credential_keeping_read(struct credential_keeping *keeping, struct msp_db *db,
                                        const struct msp_shared_map *shared, int64_t deadline_ms,
                                        struct msp_error *error)
{
    struct msp_credential_lists lists;
    enum msp_result result = msp_credential_store_all(db, deadline_ms, &lists, error);
    if (result != MSP_OK)
        return result;
    bool changed = !keeping->published || !same_lists(&lists, &keeping->lists);
    if (!changed && !msp_credential_cache_is_whole(shared->credentials)) {
        msp_log(MSP_LOG_ERROR, "The shared credentials were damaged; publishing them again", NULL);
        changed = true;
    }
    if (changed)
        publish(keeping, shared->credentials, &lists);
    else
        msp_credential_lists_done(&lists);
    return MSP_OK;
}

enum msp_result credential_keeping_note_uses(struct credential_keeping *keeping, struct msp_db *db,
                                             const struct msp_key_uses *uses, int64_t deadline_ms,
                                             struct msp_error *error)
{
    const char *ids[BATCH];
    int64_t seconds[BATCH];
    size_t places[BATCH];
    enum msp_result result = MSP_OK;
    for (size_t at = 0; at < keeping->lists.key_count && result == MSP_OK;) {
        size_t count = 0;
        for (; at < keeping->lists.key_count && count < BATCH; at++) {
            int64_t last = msp_key_uses_last(uses, keeping->lists.keys[at].id);
            if (last / 60 <= keeping->noted[at])
                continue;
            ids[count] = keeping->lists.keys[at].id;
            seconds[count] = last;
            places[count++] = at;
        }
        if (count > 0)
            result = msp_credential_store_note_uses(db, ids, seconds, count, deadline_ms, error);
        for (size_t i = 0; i < count && result == MSP_OK; i++)
            keeping->noted[places[i]] = (uint32_t)(seconds[i] / 60);
    }
    return result;
}

void credential_keeping_done(struct credential_keeping *keeping)
{
    msp_credential_lists_done(&keeping->lists);
    free(keeping->noted);
    keeping->noted = NULL;
}
