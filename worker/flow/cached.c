#include "worker/flow/cached.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/cache/request_key.h"
#include "worker/worker.h"

#define TARGETS_BYTES 65536

/* ---- the key ----------------------------------------------------------------------------- */

static const struct snapshot_cache_rules *rules_of(const struct exchange *x,
                                                   const struct snapshot_model *model)
{
    return model ? &model->cache : &x->view->page->cache.rules;
}

static void add_target(const struct exchange *x, const struct snapshot_provider *provider,
                       struct span model, struct buffer *out)
{
    const struct snapshot *snapshot = x->view->snapshot;

    (void)buffer_append(out, snapshot_span(snapshot, provider->name));
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, snapshot_span(snapshot, provider->authority));
    (void)buffer_append(out, snapshot_span(snapshot, provider->base_path));
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, model);
    (void)buffer_append_byte(out, '\n');
}

/* In the order of the settings: which one is tried first does not matter. */
static struct span targets_of(struct exchange *x)
{
    const struct snapshot_model *model = x->cached->model;
    const struct snapshot *snapshot = x->view->snapshot;
    struct buffer text _buffer_;

    buffer_init(&text, TARGETS_BYTES);
    for (uint32_t i = 0; model && i < model->targets.count; i++) {
        const struct snapshot_target *target =
            SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target);

        add_target(x,
                   SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, target->provider,
                                snapshot_provider),
                   snapshot_span(snapshot, target->model), &text);
    }
    if (x->head.provider.ptr) /* the answer of another would not do */
        (void)buffer_append(&text, x->head.provider);
    if (!model)
        add_target(x, x->plan->targets[0].provider, x->plan->targets[0].model, &text);
    return text.failed ? SPAN_NONE : arena_copy(&x->arena, buffer_span(&text));
}

static bool make_key(struct exchange *x, struct request_members *body, bool own)
{
    struct request_identity identity = {
        .tenant = x->caller.key->tenant,
        .key_id = span_of(x->caller.key->id, KEY_ID_SIZE),
        .own = own,
        .strict = x->head.strict || x->plan->strict,
        .stream = x->ask.stream,
        .model = x->asked_model,
        .targets = targets_of(x),
        .head = &x->head,
        .distinguish = x->view->page->cache.distinguish,
    };

    return identity.targets.ptr &&
           request_key_make(&identity, body, &x->arena, &x->worker->key_text, x->cached->key);
}

static void add_stamp(struct exchange *x, enum cache_group group, struct span subject)
{
    struct cached *cached = x->cached;

    _Static_assert(CACHE_STAMPS >= 4 + TAGS_MAX, "all, tenant, model, key and tags");
    cached->stamps[cached->stamp_count++] = cache_stamp(x->worker->cache, group, subject);
}

/* Now and not when the answer is kept: what is cleared meanwhile stays cleared. */
static void take_stamps(struct exchange *x)
{
    struct buffer tenant _buffer_;

    buffer_init(&tenant, 32);
    (void)buffer_append_u64(&tenant, x->caller.key->tenant);
    x->cached->stamp_count = 0;
    add_stamp(x, CACHE_ALL, SPAN_NONE);
    add_stamp(x, CACHE_OF_TENANT, buffer_span(&tenant));
    add_stamp(x, CACHE_OF_MODEL, x->asked_model);
    add_stamp(x, CACHE_OF_KEY, span_of((const char *)x->cached->key, CACHE_KEY_BYTES));
    for (unsigned i = 0; i < x->tags.count; i++)
        add_stamp(x, CACHE_OF_TAG, x->tags.names[i]);
}

/* ---- what is wanted ---------------------------------------------------------------------- */

/* How long an answer would be good; 0: nobody wants one. */
static uint64_t ttl_of(const struct exchange *x, const struct snapshot_cache_rules *rules)
{
    const struct cache_wish *wish = &x->head.cache;
    uint64_t most_ms = x->view->page->cache.ttl_max_ms;

    if (wish->no_store)
        return 0;
    if (!wish->has_ttl || most_ms == 0)
        return rules->ttl_ms;
    return wish->ttl_s * 1000 < most_ms ? wish->ttl_s * 1000 : most_ms;
}

static void release(void *what)
{
    struct cached *cached = what;

    buffer_done(&cached->body);
}

static void open_cached(struct exchange *x, uint64_t ttl_ms)
{
    struct cached *cached = ARENA_NEW(&x->arena, struct cached);

    cached->owner = x;
    cached->ttl_ms = ttl_ms;
    buffer_init(&cached->body, x->view->page->cache.answer_bytes + (size_t)TARGETS_BYTES);
    arena_on_done(&x->arena, release, cached);
    x->cached = cached;
}

/* False: this request is not cached. */
static bool is_cached(struct exchange *x, uint64_t ttl_ms,
                      const struct snapshot_cache_rules *rules)
{
    struct request_members body;
    enum request_class class;
    bool own;

    if (!x->worker->cache || ttl_ms == 0 || x->ask.body.len > REQUEST_KEY_BODY_BYTES)
        return false;
    request_members_read(crossing_body(x->ask.body), &x->arena, &body);
    class = request_classify(&x->head, &x->ask, &body, rules, &own);
    if (class == REQUEST_NEVER || (class == REQUEST_ASKED && !x->head.cache.has_ttl))
        return false;
    return make_key(x, &body, own);
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool is_young_enough(const struct exchange *x)
{
    const struct cache_wish *wish = &x->head.cache;

    return !wish->has_ttl ||
           x->cached->now_ms - x->cached->entry.stored_ms < (int64_t)(wish->ttl_s * 1000);
}

static bool look(struct exchange *x)
{
    struct cached *cached = x->cached;

    cached->now_ms = clock_wall_ms();
    switch (cache_get(x->worker->cache, cached->key, cached->now_ms, &cached->body,
                      &cached->entry)) {
    case CACHE_HIT: return is_young_enough(x);
    case CACHE_CORRUPT: metric_add(x->worker->metrics, METRIC_cache_corrupt_total, 1); break;
    case CACHE_MISS: break;
    }
    return false;
}

static unsigned frame(const struct exchange *x, struct span body, struct buffer *chunk,
                      struct span pieces[4])
{
    pieces[0] = x->answer.head;
    pieces[1] = body;
    if (x->answer.form != ANSWER_CHUNKED || body.len == 0)
        return 2;
    (void)http_append_chunk_head(chunk, body.len);
    pieces[1] = buffer_span(chunk);
    pieces[2] = body;
    pieces[3] = SPAN("\r\n0\r\n\r\n");
    return 4;
}

static void answer_hit(struct exchange *x)
{
    struct cache_entry *entry = &x->cached->entry;
    struct span body = entry->parts[CACHE_BODY], pieces[4];
    struct buffer chunk _buffer_;
    unsigned count;

    buffer_init(&chunk, 32);
    x->answer.status = 200;
    x->answer.stream = entry->flags != 0;
    x->answer.form = !x->answer.stream    ? ANSWER_LENGTH
                     : x->head.minor == 1 ? ANSWER_CHUNKED
                                          : ANSWER_CLOSE;
    if (x->answer.form == ANSWER_CLOSE)
        x->keep = false;
    x->answer.head = reply_head(x, 200, entry->parts[CACHE_TYPE],
                                x->answer.stream ? HTTP_LENGTH_NONE : body.len, NULL);
    count = frame(x, body, &chunk, pieces);
    for (unsigned i = 0; i < count; i++)
        x->answer.sent_bytes += pieces[i].len;
    x->answer.head_sent = x->answer.ended = x->answer.finished = true;
    x->first_byte_ns = clock_monotonic_ns();
    (void)client_send_last(x->client, pieces, count);
}

/* Nothing was used: the answer was paid when it was new. */
static enum step hit(struct exchange *x)
{
    struct cached *cached = x->cached;

    cached->word = CACHED_HIT;
    cached->keeps = false;
    x->bill.usage.input = x->bill.usage.output = 0;
    metric_add(x->worker->metrics, METRIC_cache_hits_total, 1);
    if (cached->entry.cost_nano != UINT64_MAX)
        metric_add(x->worker->metrics, METRIC_cache_saved_nanodollars_total,
                   cached->entry.cost_nano);
    answer_hit(x);
    return STEP_ANSWERED;
}

static enum step none(struct exchange *x)
{
    if (!x->head.cache.only)
        return STEP_NEXT;
    x->cached->keeps = false;
    x->fault = FAULT_not_cached;
    return STEP_REFUSE;
}

static enum step unknown(struct exchange *x)
{
    struct cached *cached = x->cached;

    metric_add(x->worker->metrics, METRIC_cache_misses_total, 1);
    buffer_clear(&cached->body);
    cached->body.failed = false; /* what was found may have been too large */
    cached->keeps = true;
    return none(x);
}

static enum step miss(struct exchange *x)
{
    struct cached *cached = x->cached;

    if (rules_of(x, cached->model)->single_flight && !x->head.cache.only) {
        if (cached_flight_join(x))
            return STEP_WAIT;
        if (cached->flies && look(x))
            return hit(x);
    }
    return cached_shared_ask(x) ? STEP_WAIT : unknown(x);
}

void cached_landed(struct exchange *x)
{
    flow_take(x, look(x) ? hit(x) : miss(x));
}

void cached_answered(struct exchange *x, bool found)
{
    x->cached->afar = found && is_young_enough(x);
    flow_take(x, x->cached->afar ? hit(x) : unknown(x));
}

void cached_end(struct exchange *x)
{
    if (!x->cached)
        return;
    depot_forget(&x->worker->depot, &x->cached->question);
    cached_flight_end(x->cached);
    x->cached = NULL;
}

/* ---- the room ---------------------------------------------------------------------------- */

enum step cached_enter(struct exchange *x)
{
    const struct snapshot_model *model = x->model;
    const struct snapshot_cache_rules *rules = rules_of(x, model);
    uint64_t ttl_ms = ttl_of(x, rules);

    if (ttl_ms == 0 && !x->head.cache.said)
        return STEP_NEXT;
    open_cached(x, ttl_ms);
    x->cached->word = CACHED_BYPASS;
    x->cached->model = model;
    if (!is_cached(x, ttl_ms, rules)) {
        metric_add(x->worker->metrics, METRIC_cache_bypassed_total, 1);
        return none(x);
    }
    take_stamps(x);
    x->cached->word = x->head.cache.refresh ? CACHED_STORED : CACHED_MISS;
    if (x->head.cache.refresh) {
        x->cached->keeps = true;
        return none(x);
    }
    return look(x) ? hit(x) : miss(x);
}
