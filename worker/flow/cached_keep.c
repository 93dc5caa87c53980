/* How an answer comes into the cache, and what is told of one that came from it. */
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/text/json.h"

#include "worker/flow/cached.h"
#include "worker/translate/translation.h"
#include "worker/worker.h"

#define TYPE_BYTES    200
#define DROPPED_BYTES 1024

static bool keeps(const struct exchange *x)
{
    return x->cached && x->cached->keeps;
}

static void give_up(struct exchange *x)
{
    x->cached->keeps = false;
    x->worker->body_bytes -= x->cached->body.len;
    buffer_done(&x->cached->body);
    cached_flight_end(x->cached); /* it is there, or it will not be */
}

void cached_note_type(struct exchange *x, struct span type)
{
    if (!keeps(x))
        return;
    if (type.len > TYPE_BYTES)
        give_up(x);
    else
        x->cached->type = arena_copy(&x->arena, type);
}

void cached_add(struct exchange *x, const struct span *pieces, unsigned count)
{
    const struct exchange *of = x;
    uint64_t most = of->view->page->limits.body_memory_bytes;

    for (unsigned i = 0; i < count && keeps(x); i++) {
        if ((most > 0 && x->worker->body_bytes + pieces[i].len > most) ||
            x->cached->body.len + pieces[i].len > x->view->page->cache.answer_bytes ||
            !buffer_append(&x->cached->body, pieces[i]))
            give_up(x);
        else
            x->worker->body_bytes += pieces[i].len;
    }
}

void cached_take_back(struct exchange *x, size_t count)
{
    if (!keeps(x) || x->cached->body.len < count)
        return;
    x->cached->body.len -= count;
    x->worker->body_bytes -= count;
}

void cached_forget(struct exchange *x)
{
    if (!keeps(x))
        return;
    x->worker->body_bytes -= x->cached->body.len;
    buffer_clear(&x->cached->body);
    x->cached->whole = false;
}

void cached_note_whole(struct exchange *x)
{
    if (x->cached)
        x->cached->whole = true;
}

/* An answer may be whole and be none: the provider says in it that it failed. */
static bool is_answer(struct span body)
{
    struct json_value value, error, status;
    struct json_error why;

    if (!json_check(body, &value, &why))
        return false;
    if (value.kind != JSON_OBJECT)
        return value.kind == JSON_ARRAY;
    error = json_member(value, SPAN("error"));
    status = json_member(value, SPAN("status"));
    return (error.kind == JSON_ABSENT || error.kind == JSON_NULL) &&
           (status.kind == JSON_ABSENT || json_text_eq(status, SPAN("completed")) ||
            json_text_eq(status, SPAN("incomplete")));
}

/* A fallback answers while the model's own targets fail: kept, it would outlive the trouble. */
static bool is_own(const struct exchange *x)
{
    const struct snapshot_model *model = x->cached->model;

    return exchange_target(x)->role == ROUTE_OWN || (model && model->cache.fallbacks);
}

static bool is_good(const struct exchange *x)
{
    const struct cached *cached = x->cached;

    return cached->whole && !x->fault && !x->complaint && x->answer.status == 200 &&
           !x->answer.repaired &&
           !(x->current->crossing && x->current->crossing->reader.repaired) &&
           !x->answer.failing && is_own(x) && cached->body.len > 0 && cached->type.len > 0 &&
           (x->answer.stream || is_answer(buffer_span(&cached->body)));
}

static struct span dropped_of(const struct exchange *x)
{
    struct span list = SPAN_NONE;

    if (x->current->crossing)
        list = dropped_list(&x->current->crossing->translation, DROPPED_BYTES);
    return list.ptr ? list : SPAN_NONE;
}

static void put(struct exchange *x)
{
    struct cached *cached = x->cached;
    const struct plan_target *target = exchange_target(x);
    int64_t now_ms = clock_wall_ms();
    bool evicted;
    struct cache_entry entry = {
        .stored_ms = now_ms,
        .expires_ms = now_ms + (int64_t)cached->ttl_ms,
        .cost_nano = x->cost_nano,
        .flags = x->answer.stream,
        .stamp_count = cached->stamp_count,
        .parts = {[CACHE_PROVIDER] = snapshot_span(x->view->snapshot, target->provider->name),
                  [CACHE_MODEL] = target->model,
                  [CACHE_TYPE] = cached->type,
                  [CACHE_DROPPED] = dropped_of(x),
                  [CACHE_BODY] = buffer_span(&cached->body)},
    };

    memcpy(entry.stamps, cached->stamps, sizeof(entry.stamps));
    cached_shared_put(x, &entry);
    if (!cache_put(x->worker->cache, cached->key, &entry, &evicted))
        return;
    metric_add(x->worker->metrics, METRIC_cache_stored_total, 1);
    metric_add(x->worker->metrics, METRIC_cache_evicted_total, evicted);
}

void cached_settle(struct exchange *x)
{
    if (!keeps(x))
        return;
    if (is_good(x))
        put(x);
    give_up(x);
}

/* ---- what is told ------------------------------------------------------------------------ */

/* By which this answer can be cleared, for who speaks of the cache. */
static void add_key(struct exchange *x)
{
    char digits[2 * SHA256_SIZE];

    if (x->cached->word == CACHED_BYPASS || !x->head.cache.said)
        return;
    encode_hex(x->cached->key, SHA256_SIZE, digits);
    reply_add_field(x->worker, SPAN("x-aigw-cache-key"), span_of(digits, sizeof(digits)));
}

void cached_add_fields(struct exchange *x)
{
    static const struct span words[] = {
        [CACHED_BYPASS] = {"bypass", 6},
        [CACHED_MISS] = {"miss", 4},
        [CACHED_STORED] = {"stored", 6},
        [CACHED_HIT] = {"hit", 3},
    };
    const struct cached *cached = x->cached;
    struct buffer age _buffer_;
    int64_t age_ms;

    buffer_init(&age, 32);
    if (!cached || cached->word == CACHED_NOTHING)
        return;
    reply_add_field(x->worker, SPAN("x-aigw-cache"), words[cached->word]);
    add_key(x);
    if (cached->word != CACHED_HIT)
        return;
    age_ms = cached->now_ms - cached->entry.stored_ms;
    (void)buffer_append_u64(&age, age_ms > 0 ? (uint64_t)age_ms / 1000 : 0);
    reply_add_field(x->worker, SPAN("age"), buffer_span(&age));
    if (cached->entry.parts[CACHE_DROPPED].len > 0)
        reply_add_field(x->worker, SPAN("x-aigw-dropped"), cached->entry.parts[CACHE_DROPPED]);
}

struct span cached_layer(const struct cached *cached)
{
    if (!cached_is_hit(cached))
        return SPAN_NONE;
    if (cached->afar)
        return SPAN("redis");
    return cached->wait_until_ms > 0 ? SPAN("flight") : SPAN("memory");
}

void cached_tell(const struct exchange *x, struct usage_record *record)
{
    if (!cached_is_hit(x->cached))
        return;
    record->cache_hit = 1;
    record->cache_layer = cached_layer(x->cached);
    record->saved_nano = x->cached->entry.cost_nano;
    record->provider = x->cached->entry.parts[CACHE_PROVIDER];
    record->served_model = x->cached->entry.parts[CACHE_MODEL];
    record->provider_dialect = SPAN_NONE;
    record->answer_bytes = x->cached->entry.parts[CACHE_BODY].len;
}
