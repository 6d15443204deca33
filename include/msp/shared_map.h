/*
 * All shared memory of a node, made once by the master before the first fork.
 * Each part states its size and its init; this file adds them up.
 */
#ifndef MSP_SHARED_MAP_H
#define MSP_SHARED_MAP_H

#include "msp/answer_cache.h"
#include "msp/attempts.h"
#include "msp/credential_cache.h"
#include "msp/key_uses.h"
#include "msp/log_page.h"
#include "msp/rate_windows.h"
#include "msp/settings_cache.h"
#include "msp/status_board.h"
#include "msp/tenant_cache.h"

struct msp_shared_map {
    struct msp_tenant_cache *tenants;         /* written by the snapshot keeper */
    struct msp_credential_cache *credentials; /* likewise */
    struct msp_settings_cache *settings;      /* written by the master */
    struct msp_status_board *board;           /* each child its own slot */
    struct msp_key_uses *key_uses;            /* written by every HTTP worker */
    struct msp_attempts *attempts;            /* likewise */
    struct msp_rate_windows *rates;           /* likewise */
    struct msp_answer_cache *answers;         /* likewise; raised by whoever changes data */
    void *log_pages;                          /* each child its own (log_page.h) */
};

/* Maps everything; the board's file goes into `state_dir`. */
enum msp_result msp_shared_map_create(const char *state_dir, struct msp_shared_map *out,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* What part `index` is called and how large it is; false behind the last. */
bool msp_shared_map_part(size_t index, const char **out_name, size_t *out_bytes);

/* Takes from this process the right to write what it has no business writing. */
enum msp_shared_map_writer { MSP_SHARED_READER, MSP_SHARED_KEEPER };
enum msp_result msp_shared_map_restrict(const struct msp_shared_map *map,
                                        enum msp_shared_map_writer writer,
                                        struct msp_error *error) MSP_MUST_CHECK;

#endif
