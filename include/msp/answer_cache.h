/*
 * Rendered answers in shared memory, for all HTTP workers of a node. An answer is kept under all
 * that it depends on: tenant, version of the tenant's data, what the role may see, route and query.
 * A version is raised by whoever changed the data, after the change and before anybody is told of
 * it: what was made of older data is then never found again. Readers and writers take no lock; the
 * entry of a writer that died is used again after some seconds. What was damaged is not found, and
 * nothing that was kept before: the cache begins anew.
 */
#ifndef MSP_ANSWER_CACHE_H
#define MSP_ANSWER_CACHE_H

#include "msp/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_ANSWER_TEXT_BYTES    480    /* of route and query together; longer ones are not kept */
#define MSP_ANSWER_LARGEST_BYTES 261120 /* of a body; a larger one is not kept */

struct msp_answer_cache; /* lives in the shared map */

size_t msp_answer_cache_bytes(void);
struct msp_answer_cache *msp_answer_cache_init(void *memory);

/*
 * The version to look up and keep under, taken before the data is read. Tenants share counters, so
 * that a change of one may raise another's too; never the other way round.
 */
uint64_t msp_answer_cache_version(struct msp_answer_cache *cache, int64_t tenant_id);

/* The tenant's data changed, or any tenant's may have. Any process. */
void msp_answer_cache_raise(struct msp_answer_cache *cache, int64_t tenant_id);
void msp_answer_cache_raise_all(struct msp_answer_cache *cache);

struct msp_answer_key {
    int64_t tenant_id;
    uint64_t version;
    unsigned view;     /* what the role may see: answers of different views never meet */
    const char *route; /* the route's path */
    const char *query; /* canonical: one text for each meaning */
};

/* What tells one content from another. */
struct msp_answer_tag {
    uint64_t high, low;
};

enum msp_answer_found {
    MSP_ANSWER_NONE,
    MSP_ANSWER_SAME,   /* it is the one whose tag the caller named; nothing was copied */
    MSP_ANSWER_COPIED, /* its body was appended to `out` */
};

/* `known` may be NULL. *out_tag is set unless MSP_ANSWER_NONE. */
enum msp_answer_found msp_answer_cache_find(struct msp_answer_cache *cache,
                                            const struct msp_answer_key *key, int64_t now_unix_us,
                                            const struct msp_answer_tag *known,
                                            struct msp_buffer *out, struct msp_answer_tag *out_tag);

/* Keeps a copy until `until_unix_us`, if there is room in the place it would have. */
void msp_answer_cache_keep(struct msp_answer_cache *cache, const struct msp_answer_key *key,
                           struct msp_answer_tag tag, const void *body, size_t size,
                           int64_t now_unix_us, int64_t until_unix_us);

/* What was found and not found since the start, and how often the cache began anew. */
struct msp_answer_cache_figures {
    int64_t hits, misses, kept, resets;
};
struct msp_answer_cache_figures msp_answer_cache_figures(const struct msp_answer_cache *cache);

#endif
