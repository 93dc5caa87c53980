#include "worker/parse/cache_wish.h"

#define TTL_MOST_S 31536000

static bool read_ttl(struct span word, struct cache_wish *ret)
{
    ret->has_ttl = true;
    return span_read_u64(word, &ret->ttl_s) && ret->ttl_s <= TTL_MOST_S;
}

static bool read_word(struct span word, struct cache_wish *ret)
{
    struct span ttl = SPAN("ttl=");

    if (span_starts(word, ttl))
        return read_ttl(span_skip(word, ttl.len), ret);
    if (span_eq(word, SPAN("no-store")))
        ret->no_store = true;
    else if (span_eq(word, SPAN("refresh")))
        ret->refresh = true;
    else if (span_eq(word, SPAN("only-if-cached")))
        ret->only = true;
    else
        return false;
    return true;
}

bool cache_wish_read(struct span value, struct cache_wish *ret)
{
    struct span rest = value, word;

    *ret = (struct cache_wish){.said = value.ptr != NULL};
    while (span_cut(&rest, ',', &word)) {
        word = span_trim(word);
        if (word.len > 0 && !read_word(word, ret))
            return false;
    }
    if (ret->has_ttl && ret->ttl_s == 0)
        ret->no_store = true;
    return true;
}
