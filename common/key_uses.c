/* Marks of key uses: one word a place, the high half of it naming the key, the low half the minute.
 */
#include "msp/key_uses.h"

#include <stdatomic.h>
#include <string.h>

#define PLACES 65536

struct msp_key_uses {
    _Atomic uint64_t places[PLACES];
};

size_t msp_key_uses_bytes(void)
{
    return sizeof(struct msp_key_uses);
}

struct msp_key_uses *msp_key_uses_init(void *memory)
{
    return memory;
}

/* Ids are random, so that mixing their two halves spreads them. */
static uint64_t mix(const char *id)
{
    uint64_t halves[2];
    memcpy(halves, id, sizeof halves);
    uint64_t mixed = (halves[0] ^ (halves[1] << 32 | halves[1] >> 32)) * 0x9e3779b97f4a7c15u;
    return mixed ^ mixed >> 29;
}

void msp_key_uses_note(struct msp_key_uses *uses, const char id[MSP_API_KEY_ID_BYTES],
                       int64_t unix_seconds)
{
    uint64_t mixed = mix(id);
    _Atomic uint64_t *place = &uses->places[mixed % PLACES];
    uint64_t mark = (mixed & 0xFFFFFFFF00000000u) | (uint32_t)(unix_seconds / 60);
    if (atomic_load_explicit(place, memory_order_relaxed) != mark)
        atomic_store_explicit(place, mark, memory_order_relaxed);
}

int64_t msp_key_uses_last(const struct msp_key_uses *uses, const char id[MSP_API_KEY_ID_BYTES])
{
    uint64_t mixed = mix(id);
    uint64_t mark = atomic_load_explicit(&uses->places[mixed % PLACES], memory_order_relaxed);
    return mark >> 32 == mixed >> 32 ? (int64_t)(uint32_t)mark * 60 : 0;
}
