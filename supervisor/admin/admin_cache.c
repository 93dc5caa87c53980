/* GET /admin/v1/cache, POST /admin/v1/cache/clear. In the loop: the cache is memory. */
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/segment/segment.h"

#include "supervisor/admin/routes.h"

static uint64_t sum_of(const struct house *house, enum metric metric)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
        sum += atomic_load_explicit(&segment_metrics(house->segment, i)->counters[metric],
                                    memory_order_relaxed);
    return sum;
}

void route_cache_show(struct admin_request *request)
{
    static const struct {
        const char *name;
        enum metric metric;
    } sums[] = {
        {"hits", METRIC_cache_hits_total},
        {"misses", METRIC_cache_misses_total},
        {"bypassed", METRIC_cache_bypassed_total},
        {"stored", METRIC_cache_stored_total},
        {"evicted", METRIC_cache_evicted_total},
        {"corrupt", METRIC_cache_corrupt_total},
        {"redis_hits", METRIC_cache_redis_hits_total},
        {"redis_misses", METRIC_cache_redis_misses_total},
        {"redis_stored", METRIC_cache_redis_stored_total},
        {"redis_refused", METRIC_cache_redis_refused_total},
        {"redis_failures", METRIC_cache_redis_failures_total},
        {"shared", METRIC_cache_shared_total},
        {"unshared", METRIC_cache_unshared_total},
        {"saved_nano", METRIC_cache_saved_nanodollars_total},
    };
    const struct house *house = request->house;
    struct cache_figures figures = {0};
    struct json_writer writer = admin_answer(request);

    if (house->cache)
        figures = cache_figures(house->cache);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("on"), house->cache != NULL);
    json_write_member_u64(&writer, SPAN("bytes"), figures.bytes);
    json_write_member_u64(&writer, SPAN("used_bytes"),
                          figures.written_bytes < figures.ring_bytes ? figures.written_bytes
                                                                     : figures.ring_bytes);
    json_write_member_u64(&writer, SPAN("entries"), figures.entries);
    json_write_member_u64(&writer, SPAN("slots"), figures.slots);
    json_write_member_text(&writer, SPAN("redis"), marks_state(house->marks));
    if (marks_trouble(house->marks).ptr)
        json_write_member_text(&writer, SPAN("redis_error"), marks_trouble(house->marks));
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        json_write_member_u64(&writer, span_of_text(sums[i].name),
                              sum_of(house, sums[i].metric));
    json_write_object_end(&writer);
}

/* ---- clearing ---------------------------------------------------------------------------- */

static bool tenant_number(const struct house *house, struct span name, struct buffer *ret)
{
    for (uint32_t i = 0; house->rows && i < house->rows->owner_count; i++) {
        const struct configure_owner *owner = &house->rows->owners[i];

        if (owner->kind == LIMIT_SCOPE_tenant && span_eq(owner->name, name))
            return buffer_append_u64(ret, owner->id);
    }
    return false;
}

/* NULL, or why not. */
static const char *clear_tenant(const struct house *house, struct span name)
{
    struct buffer number _buffer_;

    buffer_init(&number, 32);
    if (!tenant_number(house, name, &number))
        return "there is no such tenant";
    cache_clear(house->cache, CACHE_OF_TENANT, buffer_span(&number), clock_wall_ms());
    return NULL;
}

static const char *clear_key(const struct house *house, struct span name)
{
    uint8_t key[CACHE_KEY_BYTES];

    if (name.len != 2 * sizeof(key) || !decode_hex(name, key, sizeof(key)))
        return "a key is 64 hexadecimal digits, as in the header x-aigw-cache-key";
    cache_clear(house->cache, CACHE_OF_KEY, span_of((const char *)key, sizeof(key)),
                clock_wall_ms());
    return NULL;
}

static const char *clear_model(const struct house *house, struct span name)
{
    cache_clear(house->cache, CACHE_OF_MODEL, name, clock_wall_ms());
    return NULL;
}

static const char *clear_tag(const struct house *house, struct span name)
{
    cache_clear(house->cache, CACHE_OF_TAG, name, clock_wall_ms());
    return NULL;
}

typedef const char *clear_f(const struct house *house, struct span name);

static const struct {
    const char *member;
    clear_f *clear;
} groups[] = {
    {"tenant", clear_tenant},
    {"model", clear_model},
    {"tag", clear_tag},
    {"key", clear_key},
};

/* One member says what, none that all is meant. */
static const char *clear(const struct house *house, const cJSON *body)
{
    const cJSON *member = body->child;

    if (!member) {
        cache_clear(house->cache, CACHE_ALL, SPAN_NONE, clock_wall_ms());
        return NULL;
    }
    if (member->next || !cJSON_IsString(member) || !member->valuestring[0])
        return "one of tenant, model, tag and key is named, or none of them for all";
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i].member, member->string) == 0)
            return groups[i].clear(house, span_of_text(member->valuestring));
    return "what can be cleared is a tenant, a model, a tag or a key";
}

void route_cache_clear(struct admin_request *request)
{
    cJSON *body = admin_body(request);
    struct json_writer writer;
    const char *why;

    if (!body)
        return;
    why = request->house->cache ? clear(request->house, body) : "there is no cache";
    cJSON_Delete(body);
    if (why) {
        admin_refuse(request, 400, "bad_request", span_of_text(why));
        return;
    }
    marks_changed(request->house->marks);
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("cleared"), true);
    json_write_object_end(&writer);
}
