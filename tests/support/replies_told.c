/* Answers as streams, and back. */
#include "shared/base/check.h"

#include "tests/support/replies.h"
#include "worker/translate/call.h"

struct telling {
    struct luck *luck;
    struct event_writer *writer;
    uint32_t choice;
    const struct usage *usage;
};

static void tell(struct telling *telling, struct event event)
{
    static const struct event ping = {.kind = EVENT_ping};

    event.choice = telling->choice;
    event_write(telling->writer, &event);
    if (luck_once_in(telling->luck, 12))
        event_write(telling->writer, &ping);
}

/* ---- pieces of a text -------------------------------------------------------------------- */

/* How many bytes spell the character that TEXT begins with; both halves of a pair are one. */
static size_t character_len(struct text text)
{
    size_t len = 1;

    if (*text.ptr == '\\')
        len = text.ptr[1] != 'u' ? 2 : (text.ptr[2] | 0x20) == 'd' ? 12 : 6;
    else
        while (len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
            len++;
    return len < text.len ? len : text.len;
}

/* Cuts a piece off, at most all of it. */
static struct text cut(struct luck *luck, struct text *rest)
{
    struct text piece = {rest->ptr, 0};

    do {
        size_t len = character_len(*rest);

        piece.len += len;
        rest->ptr += len;
        rest->len -= len;
    } while (rest->len > 0 && !luck_once_in(luck, 8));
    return piece;
}

/* ---- blocks ------------------------------------------------------------------------------ */

static struct event of_block(const struct block *block, enum event_kind kind, uint32_t index)
{
    return (struct event){
        .kind = (uint8_t)kind,
        .block_kind = block->kind,
        .origin = block->origin,
        .custom = block->custom,
        .redacted = block->redacted,
        .index = index,
    };
}

static void tell_open(struct telling *telling, const struct block *block, uint32_t index)
{
    struct event event = of_block(block, EVENT_open, index);

    event.id = block->kind == BLOCK_tool_call ? block->id : TEXT_NONE;
    event.name = block->name;
    event.media = block->kind == BLOCK_image ? &block->media : NULL;
    tell(telling, event);
}

static void tell_signature(struct telling *telling, const struct block *block, uint32_t index)
{
    struct event event = of_block(block, EVENT_signature, index);

    event.text = block->signature;
    if (block->signature.ptr)
        tell(telling, event);
}

static void tell_piece(struct telling *telling, const struct block *block, uint32_t index,
                       struct text piece)
{
    struct event event = of_block(block, EVENT_delta, index);

    event.text = piece;
    tell(telling, event);
}

static void tell_words(struct telling *telling, const struct block *block, uint32_t index)
{
    struct text rest = block->text;

    while (rest.len > 0)
        tell_piece(telling, block, index, cut(telling->luck, &rest));
}

static void tell_citations(struct telling *telling, const struct block *block, uint32_t index)
{
    for (const struct citation *at = block->citations; at; at = at->next) {
        struct event event = of_block(block, EVENT_citation, index);

        event.citation = at;
        tell(telling, event);
    }
}

static void tell_said(struct telling *telling, const struct block *block, uint32_t index)
{
    tell_open(telling, block, index);
    tell_words(telling, block, index);
    tell_citations(telling, block, index);
    tell_signature(telling, block, index);
    tell(telling, of_block(block, EVENT_close, index));
}

/* ---- calls, at once or one after the other ----------------------------------------------- */

#define AT_ONCE 4

struct calls {
    const struct block *block[AT_ONCE];
    struct text rest[AT_ONCE];
    unsigned count;
};

static void tell_pieces(struct telling *telling, struct calls *calls, uint32_t index)
{
    for (unsigned left = calls->count; left > 0;) {
        unsigned i = luck_below(telling->luck, calls->count);

        if (calls->rest[i].len == 0) {
            left = 0;
            for (unsigned k = 0; k < calls->count; k++)
                left += calls->rest[k].len > 0;
        } else {
            tell_piece(telling, calls->block[i], index + i,
                       cut(telling->luck, &calls->rest[i]));
        }
    }
}

/* As many of the calls from BLOCK on as chance will have; the one after them. */
static const struct block *tell_calls(struct telling *telling, const struct block *block,
                                      uint32_t index)
{
    struct calls calls = {.count = 0};

    do {
        tell_open(telling, block, index + calls.count);
        tell_signature(telling, block, index + calls.count);
        calls.block[calls.count] = block;
        calls.rest[calls.count++] = block->arguments;
        block = block->next;
    } while (block && block->kind == BLOCK_tool_call && calls.count < AT_ONCE &&
             luck_once_in(telling->luck, 2));
    tell_pieces(telling, &calls, index);
    for (unsigned i = 0; i < calls.count; i++)
        tell(telling, of_block(calls.block[i], EVENT_close, index + i));
    return block;
}

/* ---- the whole --------------------------------------------------------------------------- */

static uint32_t tell_choice(struct telling *telling, const struct choice *choice,
                            uint32_t index)
{
    const struct block *next;

    for (const struct block *block = choice->blocks; block; block = next) {
        if (block->kind == BLOCK_tool_call) {
            next = tell_calls(telling, block, index);
        } else {
            tell_said(telling, block, index);
            next = block->next;
        }
        for (; block != next; block = block->next)
            index++;
        if (luck_once_in(telling->luck, 8))
            tell(telling, (struct event){.kind = EVENT_usage, .usage = telling->usage});
    }
    return index;
}

void replies_tell(const struct reply *reply, struct luck *luck, struct event_writer *writer)
{
    struct usage early = reply->usage;
    struct telling telling = {.luck = luck, .writer = writer, .usage = &early};
    uint32_t index = 0;

    early.output = 1;
    early.reasoning = TOKENS_UNKNOWN;
    tell(&telling, (struct event){.kind = EVENT_start,
                                  .id = reply->id,
                                  .model = reply->model,
                                  .created = reply->created,
                                  .usage = luck_once_in(luck, 2) ? &early : NULL});
    for (const struct choice *at = reply->choices; at; at = at->next) {
        telling.choice = at->index;
        index = tell_choice(&telling, at, index);
    }
    for (const struct choice *at = reply->choices; at; at = at->next) {
        telling.choice = at->index;
        tell(&telling, (struct event){.kind = EVENT_stop,
                                      .stop = at->stop,
                                      .stop_sequence = at->stop_sequence});
    }
    telling.choice = 0;
    tell(&telling, (struct event){.kind = EVENT_usage, .usage = &reply->usage});
    event_write(writer, &(struct event){.kind = EVENT_end});
}

/* ---- and back ---------------------------------------------------------------------------- */

void gathering_init(struct gathering *gathering, struct arena *arena)
{
    *gathering = (struct gathering){.arena = arena};
    usage_init(&gathering->reply.usage);
}

/* A record's texts live until it is told. */
static struct text kept(struct gathering *gathering, struct text text)
{
    struct span copy;

    if (!text.ptr)
        return TEXT_NONE;
    copy = arena_copy(gathering->arena, span_of(text.ptr, text.len));
    return (struct text){copy.ptr, copy.len};
}

static struct json_value kept_value(struct gathering *gathering, struct json_value value)
{
    if (value.kind != JSON_ABSENT)
        value.raw = arena_copy(gathering->arena, value.raw);
    return value;
}

static struct choice *choice_of(struct gathering *gathering, uint32_t index)
{
    struct choice *choice = gathering->reply.choices;

    while (choice && choice->index != index)
        choice = choice->next;
    if (choice)
        return choice;
    choice = reply_add_choice(&gathering->reply, gathering->arena);
    choice->index = index;
    return choice;
}

static struct block *block_of(struct gathering *gathering, const struct event *event)
{
    CHECK(event->index < GATHERED_BLOCKS); /* the grammar was checked */
    return gathering->blocks[event->index];
}

static void open_block(struct gathering *gathering, const struct event *event)
{
    struct block *block =
        choice_add_block(choice_of(gathering, event->choice),
                         (enum block_kind)event->block_kind, gathering->arena);

    block->custom = event->custom;
    block->redacted = event->redacted;
    block->id = kept(gathering, event->id);
    block->name = kept(gathering, event->name);
    block->raw = kept_value(gathering, event->raw);
    if (event->media) {
        block->media = *event->media;
        block->media.type = kept(gathering, event->media->type);
        block->media.data = kept(gathering, event->media->data);
    }
    gathering->blocks[event->index] = block;
}

static void add_piece(struct gathering *gathering, const struct event *event)
{
    struct block *block = block_of(gathering, event);
    struct text *to = block->kind == BLOCK_tool_call ? &block->arguments : &block->text;
    struct text piece = kept(gathering, event->text);

    *to = text_join(*to, piece, gathering->arena);
}

static void add_signature(struct gathering *gathering, const struct event *event)
{
    struct block *block = block_of(gathering, event);

    block->signature = kept(gathering, event->text);
    block->origin = event->origin;
}

static void add_citation(struct gathering *gathering, const struct event *event)
{
    struct citation *citation = ARENA_NEW(gathering->arena, struct citation);
    struct citation **end = &block_of(gathering, event)->citations;

    *citation = (struct citation){
        .url = kept(gathering, event->citation->url),
        .title = kept(gathering, event->citation->title),
        .quote = kept(gathering, event->citation->quote),
        .start = kept_value(gathering, event->citation->start),
        .end = kept_value(gathering, event->citation->end),
    };
    while (*end)
        end = &(*end)->next;
    *end = citation;
}

static void note_stop(struct gathering *gathering, const struct event *event)
{
    struct choice *choice = choice_of(gathering, event->choice);

    choice->stop = event->stop;
    choice->stop_sequence = kept(gathering, event->stop_sequence);
}

void gathering_take(void *who, const struct event *event)
{
    struct gathering *gathering = who;

    grammar_check(&gathering->grammar, event);
    if (event->usage)
        gathering->reply.usage = *event->usage;
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        gathering->reply.id = kept(gathering, event->id);
        gathering->reply.model = kept(gathering, event->model);
        gathering->reply.created = event->created;
        break;
    case EVENT_open: open_block(gathering, event); break;
    case EVENT_delta: add_piece(gathering, event); break;
    case EVENT_signature: add_signature(gathering, event); break;
    case EVENT_citation: add_citation(gathering, event); break;
    case EVENT_stop: note_stop(gathering, event); break;
    case EVENT_error: gathering->complaint = event->complaint; break;
    case EVENT_close:
    case EVENT_usage:
    case EVENT_ping:
    case EVENT_end: break;
    }
}
