/* What an answer used, and the look at a stream that is passed on unchanged. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

/* In this dialect the input is without what the cache gave and took. A stream says some
 * members again, others not: what RET has already stays. */
void anthropic_read_usage(struct json_value usage, struct usage *ret)
{
    static const struct span names[] = {
        WORD("input_tokens"),   WORD("cache_read_input_tokens"),
        WORD("output_tokens"),  WORD("cache_creation_input_tokens"),
        WORD("cache_creation"), WORD("output_tokens_details"),
        WORD("service_tier"),   WORD("server_tool_use"),
    };
    uint64_t fresh = usage_less(usage_less(ret->input, ret->cached), ret->cache_write);
    struct json_value values[ARRAY_LEN(names)];
    uint64_t *const counts[] = {&fresh, &ret->cached, &ret->output, &ret->cache_write};

    if (usage.kind != JSON_OBJECT)
        return;
    pick_members(usage, names, ARRAY_LEN(names), values);
    usage_read_service(values[6], ret);
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        usage_take(values[i], counts[i]);
    usage_read(values[4], SPAN("ephemeral_1h_input_tokens"), &ret->cache_write_long);
    usage_read(values[5], SPAN("thinking_tokens"), &ret->reasoning);
    usage_read(values[7], SPAN("web_search_requests"), &ret->searches);
    usage_read(values[7], SPAN("web_fetch_requests"), &ret->fetches);
    ret->input = fresh == TOKENS_UNKNOWN /* the parts alone are not the prompt */
                     ? TOKENS_UNKNOWN
                     : usage_add(usage_add(fresh, ret->cached), ret->cache_write);
    ret->raw = usage.raw;
}

void anthropic_write_usage(const struct usage *usage, struct json_writer *json)
{
    uint64_t fresh = usage_less(usage_less(usage->input, usage->cached), usage->cache_write);
    uint64_t written = usage_or_zero(usage->cache_write);
    uint64_t for_long = usage_or_zero(usage->cache_write_long);

    json_write_object(json);
    json_write_member_u64(json, SPAN("input_tokens"), usage_or_zero(fresh));
    json_write_member_u64(json, SPAN("cache_creation_input_tokens"), written);
    json_write_member_u64(json, SPAN("cache_read_input_tokens"), usage_or_zero(usage->cached));
    json_write_key(json, SPAN("cache_creation"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("ephemeral_5m_input_tokens"),
                          written > for_long ? written - for_long : 0);
    json_write_member_u64(json, SPAN("ephemeral_1h_input_tokens"), for_long);
    json_write_object_end(json);
    json_write_member_u64(json, SPAN("output_tokens"), usage_or_zero(usage->output));
    if (usage->searches != TOKENS_UNKNOWN || usage->fetches != TOKENS_UNKNOWN) {
        json_write_key(json, SPAN("server_tool_use"));
        json_write_object(json);
        json_write_member_u64(json, SPAN("web_search_requests"),
                              usage_or_zero(usage->searches));
        json_write_member_u64(json, SPAN("web_fetch_requests"), usage_or_zero(usage->fetches));
        json_write_object_end(json);
    }
    if (usage->reasoning != TOKENS_UNKNOWN) {
        json_write_key(json, SPAN("output_tokens_details"));
        json_write_object(json);
        json_write_member_u64(json, SPAN("thinking_tokens"), usage->reasoning);
        json_write_object_end(json);
    }
    json_write_object_end(json);
}

/* Whether RECORD is one of those that say more than words, by its name when it has one. */
static bool is_told_apart(const struct sse_record *record)
{
    static const struct span told[] = {WORD("message_start"), WORD("message_delta"),
                                       WORD("message_stop"), WORD("error")};

    if (!record->event.ptr)
        return span_find(record->data, SPAN("\"content_block_delta\"")) == SIZE_MAX;
    for (unsigned i = 0; i < ARRAY_LEN(told); i++)
        if (span_eq(record->event, told[i]))
            return true;
    return false;
}

bool anthropic_tap_record(struct stream_tap *tap, const struct sse_record *record)
{
    static const struct span names[] = {WORD("type"), WORD("message"), WORD("usage")};
    struct json_value values[ARRAY_LEN(names)], type, usage;

    if (!is_told_apart(record) ||
        !pick_unchecked(record->data, names, ARRAY_LEN(names), values))
        return false;
    type = values[0];
    usage = values[2];
    if (json_text_eq(type, SPAN("message_start")) && values[1].kind == JSON_OBJECT)
        usage = json_member(values[1], SPAN("usage"));
    anthropic_read_usage(usage, &tap->usage);
    tap->finished |= json_text_eq(type, SPAN("message_stop"));
    tap->failed |= json_text_eq(type, SPAN("error"));
    return false;
}
