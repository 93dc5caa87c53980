#include "worker/meter/bill.h"

#include "shared/base/check.h"
#include "shared/journal/record.h"

_Static_assert(TOKENS_UNKNOWN == USAGE_UNKNOWN, "records say it the same way");

void bill_init(struct bill *bill)
{
    *bill = (struct bill){.raw_place = NULL};
    usage_init(&bill->usage);
}

static void take(uint64_t *count, uint64_t newer)
{
    if (newer != TOKENS_UNKNOWN)
        *count = newer;
}

/* Some providers repeat usage in every chunk, a few bytes longer each time: a place for all of
 * them, and larger ones as they are needed. */
static void keep_raw(struct bill *bill, struct span raw, struct arena *arena)
{
    if (!raw.ptr || raw.len > BILL_RAW_MAX)
        return;
    if (!bill->raw_place || raw.len > bill->raw_size) {
        bill->raw_size = (uint32_t)raw.len * 2;
        bill->raw_place = arena_take_text(arena, bill->raw_size);
    }
    memcpy(bill->raw_place, raw.ptr, raw.len);
    bill->usage.raw = span_of(bill->raw_place, raw.len);
}

void bill_take(struct bill *bill, const struct usage *usage, struct arena *arena)
{
    struct usage *mine = &bill->usage;

    take(&mine->input, usage->input);
    take(&mine->output, usage->output);
    take(&mine->cached, usage->cached);
    take(&mine->cache_write, usage->cache_write);
    take(&mine->cache_write_long, usage->cache_write_long);
    take(&mine->reasoning, usage->reasoning);
    take(&mine->audio_input, usage->audio_input);
    take(&mine->audio_output, usage->audio_output);
    take(&mine->image_input, usage->image_input);
    take(&mine->image_output, usage->image_output);
    take(&mine->tool_input, usage->tool_input);
    take(&mine->searches, usage->searches);
    take(&mine->fetches, usage->fetches);
    if (usage->service > 0)
        mine->service = usage->service;
    keep_raw(bill, usage->raw, arena);
}
