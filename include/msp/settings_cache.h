/*
 * The settings in force, in shared memory, so that those marked "at once" hold
 * in every child without a restart. One writer, the master; readers copy and
 * check the generation as with the tenant cache.
 */
#ifndef MSP_SETTINGS_CACHE_H
#define MSP_SETTINGS_CACHE_H

#include "msp/settings.h"

struct msp_settings_cache; /* lives in the shared map */

size_t msp_settings_cache_bytes(void);
struct msp_settings_cache *msp_settings_cache_init(void *memory);

/* The master only. */
void msp_settings_cache_publish(struct msp_settings_cache *cache,
                                const struct msp_settings *settings);

/* A whole, consistent copy. */
void msp_settings_cache_read(const struct msp_settings_cache *cache, struct msp_settings *out);

/* Raised at each publish; lets a process keep its own copy until it moves. */
uint64_t msp_settings_cache_generation(const struct msp_settings_cache *cache);

#endif
