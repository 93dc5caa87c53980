/* What an answer used; the look at a stream that is passed on unchanged; errors. */
#include "shared/base/check.h"

#include "worker/translate/responses/responses_inside.h"

void responses_read_usage(struct json_value usage, struct usage *ret)
{
    struct json_value input, output;

    if (usage.kind != JSON_OBJECT)
        return;
    input = json_member(usage, SPAN("input_tokens_details"));
    output = json_member(usage, SPAN("output_tokens_details"));
    usage_read(usage, SPAN("input_tokens"), &ret->input);
    usage_read(usage, SPAN("output_tokens"), &ret->output);
    usage_read(input, SPAN("cached_tokens"), &ret->cached);
    usage_read(input, SPAN("cache_write_tokens"), &ret->cache_write);
    usage_read(input, SPAN("image_tokens"), &ret->image_input);
    usage_read(input, SPAN("audio_tokens"), &ret->audio_input);
    usage_read(output, SPAN("reasoning_tokens"), &ret->reasoning);
    usage_read(output, SPAN("image_tokens"), &ret->image_output);
    usage_read(output, SPAN("audio_tokens"), &ret->audio_output);
    ret->raw = usage.raw;
}

void responses_write_usage(const struct usage *usage, struct json_writer *json)
{
    uint64_t input = usage_or_zero(usage->input), output = usage_or_zero(usage->output);

    json_write_object(json);
    json_write_member_u64(json, SPAN("input_tokens"), input);
    json_write_key(json, SPAN("input_tokens_details"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("cached_tokens"), usage_or_zero(usage->cached));
    if (usage->cache_write != TOKENS_UNKNOWN)
        json_write_member_u64(json, SPAN("cache_write_tokens"), usage->cache_write);
    json_write_object_end(json);
    json_write_member_u64(json, SPAN("output_tokens"), output);
    json_write_key(json, SPAN("output_tokens_details"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("reasoning_tokens"), usage_or_zero(usage->reasoning));
    json_write_object_end(json);
    json_write_member_u64(json, SPAN("total_tokens"), usage_add(input, output));
    json_write_object_end(json);
}

static bool ends(struct span type)
{
    return span_eq(type, SPAN("response.completed")) ||
           span_eq(type, SPAN("response.incomplete"));
}

static bool fails(struct span type)
{
    return span_eq(type, SPAN("response.failed")) || span_eq(type, SPAN("error"));
}

static bool ends_or_fails(struct span type)
{
    return ends(type) || fails(type);
}

/* Some look-alikes name their events in the data only. */
bool responses_tap_record(struct stream_tap *tap, const struct sse_record *record)
{
    static const struct span keys[] = {WORD("type"), WORD("response")};
    struct json_value values[ARRAY_LEN(keys)];
    struct span type = record->event;
    struct text told;
    bool good;

    if (type.len > 0 && !ends_or_fails(type))
        return false;
    good = pick_unchecked(record->data, keys, ARRAY_LEN(keys), values);
    if (type.len == 0 && good) {
        told = text_of(values[0]);
        type = span_of(told.ptr, told.len);
    }
    if (!ends_or_fails(type))
        return false;
    tap->finished = tap->finished || ends(type) || span_eq(type, SPAN("response.failed"));
    tap->failed = tap->failed || fails(type);
    if (good && values[1].kind == JSON_OBJECT) {
        responses_read_usage(json_member(values[1], SPAN("usage")), &tap->usage);
        usage_read_service(json_member(values[1], SPAN("service_tier")), &tap->usage);
    }
    return false;
}

/* ---- errors ------------------------------------------------------------------------------ */

void responses_write_error(const struct complaint *complaint, struct json_writer *json)
{
    const struct complaint_row *row = complaint_row((enum complaint_kind)complaint->kind);

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), span_of_text(row->openai_type));
    if (complaint->code.ptr)
        text_write_member(json, SPAN("code"), complaint->code);
    else
        json_write_member_text(json, SPAN("code"), span_of_text(row->openai_code));
    text_write_member(json, SPAN("message"), complaint->message);
    text_write_member(json, SPAN("param"), complaint->param);
    json_write_object_end(json);
}

uint16_t responses_write_complaint(const struct complaint *complaint, struct json_writer *json)
{
    json_write_object(json);
    json_write_key(json, SPAN("error"));
    responses_write_error(complaint, json);
    json_write_object_end(json);
    return complaint_status((enum complaint_kind)complaint->kind);
}

/* Of a stream that was passed on unchanged: nobody knows its numbers, so it has none. */
void responses_write_stream_complaint(const struct complaint *complaint, struct buffer *out)
{
    struct json_writer json;

    (void)buffer_append(out, SPAN("event: error\ndata: "));
    json_write_init(&json, out);
    json_write_object(&json);
    json_write_member_text(&json, SPAN("type"), SPAN("error"));
    json_write_key(&json, SPAN("error"));
    responses_write_error(complaint, &json);
    json_write_object_end(&json);
    (void)buffer_append(out, SPAN("\n\n"));
}
