/* Answers that hosts share: what Redis is asked for, and told. */
#include "shared/base/clock.h"

#include "worker/flow/cached.h"
#include "worker/worker.h"

static struct secret secret_of_cache(const struct exchange *x)
{
    return secret_of(snapshot_span(x->view->snapshot, x->view->page->cache.secret));
}

static bool is_shared(const struct exchange *x)
{
    return secret_reveal(secret_of_cache(x)).len > 0;
}

static size_t value_bytes(const struct exchange *x)
{
    return (size_t)x->view->page->cache.answer_bytes + CACHE_VALUE_EXTRA;
}

/* False: it is no answer to this request, or none any more. */
static bool take(struct exchange *x, struct span value)
{
    struct cached *cached = x->cached;

    if (value.len > value_bytes(x))
        return false;
    if (!cache_value_open(secret_of_cache(x), &cached->name, cached->key, value, cached->now_ms,
                          &cached->body, &cached->entry)) {
        metric_add(x->worker->metrics, METRIC_cache_redis_refused_total, 1);
        return false;
    }
    return !cache_is_void(x->worker->cache, &cached->entry, cached->now_ms);
}

/* The next one of this host need not ask so far. */
static void put_near(struct exchange *x)
{
    bool evicted = false;

    (void)cache_put(x->worker->cache, x->cached->key, &x->cached->entry, &evicted);
    metric_add(x->worker->metrics, METRIC_cache_evicted_total, evicted);
}

static void came(struct depot_question *question, struct span value)
{
    struct cached *cached =
        (struct cached *)(void *)((char *)question - offsetof(struct cached, question));
    struct exchange *x = cached->owner;
    bool found;

    cached->now_ms = clock_wall_ms();
    found = value.ptr && take(x, value);
    if (found)
        put_near(x);
    metric_add(x->worker->metrics,
               found ? METRIC_cache_redis_hits_total : METRIC_cache_redis_misses_total, 1);
    cached_answered(x, found);
}

static void make_name(struct exchange *x)
{
    cache_name_make(x->caller.key->tenant, x->cached->key, &x->cached->name);
}

bool cached_shared_ask(struct exchange *x)
{
    struct cached *cached = x->cached;

    if (!is_shared(x))
        return false;
    make_name(x);
    cached->question.answered = came;
    return depot_ask(&x->worker->depot, x->worker->cache, cache_name_span(&cached->name),
                     &cached->question);
}

void cached_shared_put(struct exchange *x, const struct cache_entry *entry)
{
    struct buffer value _buffer_;

    buffer_init(&value, value_bytes(x));
    if (!is_shared(x))
        return;
    make_name(x);
    if (cache_value_seal(secret_of_cache(x), &x->cached->name, x->cached->key, entry, &value))
        depot_put(&x->worker->depot, x->worker->cache, cache_name_span(&x->cached->name),
                  buffer_span(&value), (uint64_t)(entry->expires_ms - entry->stored_ms));
}
