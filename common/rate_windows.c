/*
 * An entry a key, found by open addressing and never given up: keys are tenants times policies,
 * which the table holds several times over. Where it is full all the same, a key counts together
 * with others: stricter, never looser.
 */
#include "msp/rate_windows.h"

#include "two_halves.h"

#include <stdatomic.h>

#define ENTRIES 131072 /* 5 MiB, touched only as far as used */
#define PROBES  32

/* Each word holds a window's number in its upper half: a word of another window says nothing. */
struct entry {
    msp_shared_word key;       /* 0 = free */
    msp_shared_word spent;     /* window << 32 | requests counted */
    msp_shared_word granted;   /* window << 32 | what leases came to */
    msp_shared_word exhausted; /* window << 32 | the limit at which there was no more to be had */
    msp_shared_word leasing;   /* monotonic ms of the lease that is under way, 0 = none */
};

struct msp_rate_windows {
    struct entry entries[ENTRIES];
};

size_t msp_rate_windows_bytes(void)
{
    return sizeof(struct msp_rate_windows);
}

struct msp_rate_windows *msp_rate_windows_init(void *memory)
{
    /* The memory is zeroes; clearing it again would touch all of it. */
    return memory;
}

static struct entry *find(struct msp_rate_windows *windows, uint64_t key)
{
    uint64_t name = key != 0 ? key : 1;
    size_t first = (size_t)(name % ENTRIES);
    for (size_t i = 0; i < PROBES; i++) {
        struct entry *entry = &windows->entries[(first + i) % ENTRIES];
        uint64_t held = msp_word_load(&entry->key);
        if (held == 0 && atomic_compare_exchange_strong(&entry->key, &held, name))
            return entry;
        if (held == name)
            return entry;
    }
    return &windows->entries[first];
}

static uint32_t window_of(const struct msp_rate_policy *policy, int64_t now_unix_seconds)
{
    return (uint32_t)(now_unix_seconds / policy->window_seconds);
}

/* What the word says of this window; 0 if it speaks of another. */
static uint32_t count_in(uint64_t word, uint32_t window)
{
    return (uint32_t)(word >> 32) == window ? (uint32_t)word : 0;
}

static uint64_t word_of(uint32_t window, uint32_t count)
{
    return (uint64_t)window << 32 | count;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Whether no more is to be had. A limit that was raised since is worth asking again. */
static bool is_exhausted(const struct entry *entry, const struct msp_rate_policy *policy,
                         uint32_t window)
{
    return count_in(msp_word_load(&entry->exhausted), window) >= (uint32_t)policy->limit;
}

static int32_t granted_left(const struct entry *entry, const struct msp_rate_policy *policy,
                            uint32_t window, uint32_t spent)
{
    uint32_t granted = count_in(msp_word_load(&entry->granted), window);
    return granted <= spent || is_exhausted(entry, policy, window) ? 0 : (int32_t)(granted - spent);
}

static enum msp_rate_outcome decide(const struct entry *entry, const struct msp_rate_policy *policy,
                                    uint32_t window, uint32_t spent, bool shared)
{
    if (spent >= (uint32_t)policy->limit)
        return MSP_RATE_REFUSED;
    if (!shared)
        return MSP_RATE_TAKEN;
    if (spent < count_in(msp_word_load(&entry->granted), window))
        return MSP_RATE_TAKEN;
    return is_exhausted(entry, policy, window) ? MSP_RATE_REFUSED : MSP_RATE_LEASE_WANTED;
}

enum msp_rate_outcome msp_rate_take(struct msp_rate_windows *windows, uint64_t key,
                                    const struct msp_rate_policy *policy, bool shared,
                                    int64_t now_unix_seconds, struct msp_rate_state *out_state)
{
    struct entry *entry = find(windows, key);
    uint32_t window = window_of(policy, now_unix_seconds);
    uint64_t word = msp_word_load(&entry->spent);
    enum msp_rate_outcome outcome;
    uint32_t spent;
    do {
        spent = count_in(word, window);
        outcome = decide(entry, policy, window, spent, shared);
    } while (outcome == MSP_RATE_TAKEN &&
             !atomic_compare_exchange_weak(&entry->spent, &word, word_of(window, spent + 1)));
    if (outcome == MSP_RATE_TAKEN)
        spent++;
    out_state->granted_left = shared ? granted_left(entry, policy, window, spent) : 0;
    bool none_left = outcome == MSP_RATE_REFUSED;
    out_state->remaining = none_left ? 0 : policy->limit - least((int32_t)spent, policy->limit);
    out_state->reset_seconds =
        policy->window_seconds - (int32_t)(now_unix_seconds % policy->window_seconds);
    return outcome;
}

void msp_rate_give_back(struct msp_rate_windows *windows, uint64_t key,
                        const struct msp_rate_policy *policy, int64_t now_unix_seconds)
{
    struct entry *entry = find(windows, key);
    uint32_t window = window_of(policy, now_unix_seconds);
    uint64_t word = msp_word_load(&entry->spent);
    uint32_t spent;
    do {
        spent = count_in(word, window);
    } while (spent > 0 &&
             !atomic_compare_exchange_weak(&entry->spent, &word, word_of(window, spent - 1)));
}

bool msp_rate_lease_begin(struct msp_rate_windows *windows, uint64_t key, int64_t now_monotonic_ms,
                          int patience_ms)
{
    struct entry *entry = find(windows, key);
    uint64_t began = msp_word_load(&entry->leasing);
    if (began != 0 && now_monotonic_ms - (int64_t)began < patience_ms)
        return false;
    return atomic_compare_exchange_strong(&entry->leasing, &began, (uint64_t)now_monotonic_ms);
}

void msp_rate_lease_end(struct msp_rate_windows *windows, uint64_t key,
                        const struct msp_rate_policy *policy, int64_t now_unix_seconds,
                        int32_t granted, bool exhausted)
{
    struct entry *entry = find(windows, key);
    uint32_t window = window_of(policy, now_unix_seconds);
    uint64_t word = msp_word_load(&entry->granted);
    while (!atomic_compare_exchange_weak(
        &entry->granted, &word, word_of(window, count_in(word, window) + (uint32_t)granted)))
        ;
    if (exhausted)
        atomic_store(&entry->exhausted, word_of(window, (uint32_t)policy->limit));
    atomic_store(&entry->leasing, 0);
}
