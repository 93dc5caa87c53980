/* A whole answer told as a stream, for clients that asked for one. Declared in event.h. */
#include "worker/translate/call.h"
#include "worker/translate/event.h"
#include "worker/translate/media.h"

static void tell_text(struct event_reader *reader, struct event event, struct text text)
{
    event.kind = EVENT_delta;
    event.text = text;
    if (text.len > 0)
        event_tell(reader, &event);
}

static void tell_signature(struct event_reader *reader, struct event event,
                           const struct block *block)
{
    event.kind = EVENT_signature;
    event.text = block->signature;
    if (block->signature.ptr)
        event_tell(reader, &event);
}

/* The address of an image, a data URL when it is here. */
static struct text address_of(const struct media *media, struct arena *arena)
{
    struct buffer out _buffer_;
    struct json_writer json;
    struct span address;

    buffer_init(&out, SIZE_MAX);
    json_write_init(&json, &out);
    media_write_address(&json, media);
    if (out.len < 2)
        return TEXT_NONE;
    address = arena_copy(arena, span_of(out.ptr + 1, out.len - 2));
    return (struct text){address.ptr, address.len};
}

/* All of a block's deltas in one. */
static struct text content_of(const struct block *block, struct arena *arena)
{
    if (block->kind == BLOCK_image)
        return address_of(&block->media, arena);
    if (block->kind != BLOCK_tool_call)
        return block->text;
    return block->custom ? call_custom_input(block, arena) : call_arguments(block, arena);
}

static void tell_block(struct event_reader *reader, const struct block *block, uint32_t index,
                       uint32_t choice)
{
    struct event event = {
        .block_kind = block->kind,
        .origin = block->origin,
        .custom = block->custom,
        .redacted = block->redacted,
        .index = index,
        .choice = choice,
        .id = block->id,
        .name = block->name,
        .raw = block->raw,
    };
    bool call = block->kind == BLOCK_tool_call;

    event.kind = EVENT_open;
    event_tell(reader, &event);
    if (call)
        tell_signature(reader, event, block);
    tell_text(reader, event, content_of(block, reader->translation->arena));
    for (const struct citation *at = block->citations; at; at = at->next) {
        event.kind = EVENT_citation;
        event.citation = at;
        event_tell(reader, &event);
    }
    if (!call)
        tell_signature(reader, event, block);
    event.kind = EVENT_close;
    event_tell(reader, &event);
}

void reply_tell(const struct reply *reply, struct event_reader *reader)
{
    struct event event = {
        .kind = EVENT_start,
        .id = reply->id,
        .model = reply->model,
        .created = reply->created,
        .usage = &reply->usage,
    };
    uint32_t index = 0;

    reader->usage = reply->usage;
    event_tell(reader, &event);
    for (const struct choice *choice = reply->choices; choice; choice = choice->next)
        for (const struct block *block = choice->blocks; block; block = block->next)
            tell_block(reader, block, index++, choice->index);
    for (const struct choice *choice = reply->choices; choice; choice = choice->next) {
        event = (struct event){
            .kind = EVENT_stop,
            .choice = choice->index,
            .stop = choice->stop,
            .stop_sequence = choice->stop_sequence,
        };
        event_tell(reader, &event);
    }
    event = (struct event){.kind = EVENT_usage, .usage = &reply->usage};
    event_tell(reader, &event);
    event = (struct event){.kind = EVENT_end};
    event_tell(reader, &event);
}
