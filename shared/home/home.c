#include "shared/home/home.h"

#include "shared/base/hash.h"

/* `where`: the account 32 bits, the credential's row + 1 13 bits, the minute 19 bits (a year
 * until it begins anew). */
#define CREDENTIAL_SHIFT 19
#define CREDENTIAL_MASK  0x1fffU
#define ACCOUNT_SHIFT    32
#define MINUTE_MASK      0x7ffffU
#define MINUTE_MS        60000
#define SPREAD           0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio: odd, well mixed bits */

_Static_assert(SEGMENT_CREDENTIALS < CREDENTIAL_MASK, "row + 1 has 13 bits");
_Static_assert(SEGMENT_HOMES % HOME_WAYS == 0, "sets are whole");

uint64_t home_mark(uint64_t tenant, struct span id)
{
    uint64_t mark = (hash_fast(id) ^ ((tenant + 1) * SPREAD)) * SPREAD;

    mark ^= mark >> 32;
    return mark ? mark : 1;
}

uint32_t home_account(struct span name)
{
    uint64_t hash = hash_fast(name);

    return (uint32_t)(hash ^ (hash >> 32)) | 1;
}

static struct home *set_of(struct segment *segment, uint64_t mark)
{
    return segment_home(segment, (uint32_t)(mark % (SEGMENT_HOMES / HOME_WAYS)) * HOME_WAYS);
}

/* RET_WHERE 0: nothing was ever written there. */
static uint64_t mark_of(const struct home *home, uint64_t *ret_where)
{
    *ret_where = atomic_load_explicit(&home->where, memory_order_relaxed);
    return atomic_load_explicit(&home->check, memory_order_relaxed) ^ *ret_where;
}

static uint64_t pack(struct home_place place, uint64_t now_ms)
{
    uint64_t credential = place.credential < SEGMENT_CREDENTIALS ? place.credential + 1 : 0;

    return (uint64_t)place.account << ACCOUNT_SHIFT | credential << CREDENTIAL_SHIFT |
           (now_ms / MINUTE_MS & MINUTE_MASK);
}

/* Its own row when it has one, else a free one, else the oldest. */
static struct home *row_for(struct home *set, uint64_t mark, uint64_t now_ms)
{
    struct home *oldest = set;
    uint64_t most = 0;

    for (unsigned i = 0; i < HOME_WAYS; i++) {
        uint64_t where, age;

        if (mark_of(&set[i], &where) == mark)
            return &set[i];
        age = where ? ((now_ms / MINUTE_MS - where) & MINUTE_MASK) + 1 : UINT64_MAX;
        if (age > most) {
            most = age;
            oldest = &set[i];
        }
    }
    return oldest;
}

void home_note(struct segment *segment, uint64_t mark, struct home_place place, uint64_t now_ms)
{
    struct home *row = row_for(set_of(segment, mark), mark, now_ms);
    uint64_t where = pack(place, now_ms);

    atomic_store_explicit(&row->where, where, memory_order_relaxed);
    atomic_store_explicit(&row->check, mark ^ where, memory_order_relaxed);
}

bool home_find(struct segment *segment, uint64_t mark, struct home_place *ret)
{
    const struct home *set = set_of(segment, mark);

    for (unsigned i = 0; i < HOME_WAYS; i++) {
        uint64_t where;

        if (mark_of(&set[i], &where) != mark || where == 0)
            continue;
        ret->account = (uint32_t)(where >> ACCOUNT_SHIFT);
        ret->credential = (uint32_t)(where >> CREDENTIAL_SHIFT & CREDENTIAL_MASK) - 1;
        return true;
    }
    return false;
}
