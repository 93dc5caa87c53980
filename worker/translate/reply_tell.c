/* A whole answer told as a stream, for clients that asked for one. Declared in event.h. */
#include "worker/translate/call.h"
#include "worker/translate/event.h"

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

/* All of a block's deltas in one. */
static struct text content_of(const struct block *block, struct arena *arena)
{
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
        .act = block->act,
    };
    bool media = block->kind == BLOCK_image || block->kind == BLOCK_audio ||
                 block->kind == BLOCK_document;
    bool call = block->kind == BLOCK_tool_call;

    event.kind = EVENT_open;
    event.media = media ? &block->media : NULL;
    event_tell(reader, &event);
    event.media = NULL;
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
