/*
 * Maps all shared memory of a node and takes write rights away again. It adds
 * up what the parts ask for and looks into none of them.
 */
#include "msp/shared_map.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Each region is a mapping of its own: it starts on a page, so that its rights can be its own, and
 * is zeroes. */
static enum msp_result map_region(size_t size, const char *what, void **out,
                                  struct msp_error *error)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return msp_fail(error, MSP_NO_MEMORY, "shared_memory",
                        "Cannot map %zu bytes of shared memory for the %s: %s. Free some memory "
                        "and start again.",
                        size, what, strerror(errno));
    }
    *out = memory;
    return MSP_OK;
}

static void unmap_region(void *memory, size_t size)
{
    if (memory != NULL) {
        (void)munmap(memory, size);
    }
}

/* What lies in anonymous memory; the status board is a file of its own. */
enum part {
    PART_TENANTS,
    PART_CREDENTIALS,
    PART_SETTINGS,
    PART_KEY_USES,
    PART_ATTEMPTS,
    PART_RATES,
    PART_ANSWERS,
    PART_LOG_PAGES,
    PARTS
};

static const struct {
    size_t (*bytes)(void);
    const char *what;
    bool secret; /* stays out of core files */
} parts[PARTS] = {
    [PART_TENANTS] = {msp_tenant_cache_bytes, "tenants", false},
    [PART_CREDENTIALS] = {msp_credential_cache_bytes, "credentials", true},
    [PART_SETTINGS] = {msp_settings_cache_bytes, "settings", true},
    [PART_KEY_USES] = {msp_key_uses_bytes, "uses of keys", false},
    [PART_ATTEMPTS] = {msp_attempts_bytes, "counts of failures", false},
    [PART_RATES] = {msp_rate_windows_bytes, "rate limits", false},
    [PART_ANSWERS] = {msp_answer_cache_bytes, "answers", true},
    [PART_LOG_PAGES] = {msp_log_pages_bytes, "lines of the log", false},
};

bool msp_shared_map_part(size_t index, const char **out_name, size_t *out_bytes)
{
    if (index >= PARTS) {
        return false;
    }
    *out_name = parts[index].what;
    *out_bytes = parts[index].bytes();
    return true;
}

static enum msp_result map_parts(void *regions[PARTS], struct msp_error *error)
{
    for (int i = 0; i < PARTS; i++) {
        enum msp_result result = map_region(parts[i].bytes(), parts[i].what, &regions[i], error);
        if (result != MSP_OK) {
            return result;
        }
        /* Not all kernels can; then nothing is lost but that. */
        if (parts[i].secret) {
            (void)madvise(regions[i], parts[i].bytes(), MADV_DONTDUMP);
        }
    }
    return MSP_OK;
}

enum msp_result msp_shared_map_create(const char *state_dir, struct msp_shared_map *out,
                                      struct msp_error *error)
{
    void *regions[PARTS] = {NULL};
    struct msp_status_board *board = NULL;
    enum msp_result result = map_parts(regions, error);
    if (result == MSP_OK) {
        result = msp_status_board_create(state_dir, &board, error);
    }
    if (result != MSP_OK) {
        for (int i = 0; i < PARTS; i++) {
            unmap_region(regions[i], parts[i].bytes());
        }
        return result;
    }
    out->tenants = msp_tenant_cache_init(regions[PART_TENANTS]);
    out->credentials = msp_credential_cache_init(regions[PART_CREDENTIALS]);
    out->settings = msp_settings_cache_init(regions[PART_SETTINGS]);
    out->key_uses = msp_key_uses_init(regions[PART_KEY_USES]);
    out->attempts = msp_attempts_init(regions[PART_ATTEMPTS]);
    out->rates = msp_rate_windows_init(regions[PART_RATES]);
    out->answers = msp_answer_cache_init(regions[PART_ANSWERS]);
    out->log_pages = regions[PART_LOG_PAGES];
    out->board = board;
    return MSP_OK;
}

static enum msp_result make_read_only(void *memory, size_t size, const char *what,
                                      struct msp_error *error)
{
    if (mprotect(memory, size, PROT_READ) != 0) {
        return msp_fail(error, MSP_BROKEN, "shared_memory",
                        "Cannot make the shared %s read-only: %s. Start the server again.", what,
                        strerror(errno));
    }
    return MSP_OK;
}

enum msp_result msp_shared_map_restrict(const struct msp_shared_map *map,
                                        enum msp_shared_map_writer writer, struct msp_error *error)
{
    enum msp_result result =
        make_read_only(map->settings, msp_settings_cache_bytes(), "settings", error);
    if (result == MSP_OK && writer != MSP_SHARED_KEEPER) {
        result = make_read_only(map->tenants, msp_tenant_cache_bytes(), "tenants", error);
    }
    if (result == MSP_OK && writer != MSP_SHARED_KEEPER) {
        result =
            make_read_only(map->credentials, msp_credential_cache_bytes(), "credentials", error);
    }
    return result;
}
