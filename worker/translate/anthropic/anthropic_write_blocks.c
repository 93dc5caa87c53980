/* System texts and messages: turns as blocks of content. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/call.h"
#include "worker/translate/media.h"

#define JSON_WISH "Answer with one JSON object and nothing else."

/* ---- what can be said -------------------------------------------------------------------- */

/* The type of what only its inventor understands, for the list of what was left out. */
static struct span type_of(const struct block *block)
{
    struct text type = text_of(json_member(block->raw, SPAN("type")));

    return type.len > 0 ? span_of(type.ptr, type.len) : SPAN("content");
}

bool anthropic_says(struct translation *t, const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text: turns_drop_citations(t, block); return !text_blank(block->text);
    case BLOCK_refusal: return !text_blank(block->text);
    case BLOCK_reasoning:
        if (block->origin == DIALECT_anthropic && block->signature.len > 0)
            return true;
        drop(t, SPAN("reasoning"));
        return false;
    case BLOCK_other:
        if (block->origin == DIALECT_anthropic)
            return true;
        drop(t, type_of(block));
        return false;
    case BLOCK_hosted: /* others lack what is encrypted in it */
        if (block->origin == DIALECT_anthropic)
            return true;
        turns_drop(t, block);
        return false;
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document:
    case BLOCK_tool_call:
    case BLOCK_tool_result: break;
    }
    return true;
}

static bool refuse_block(struct chat_writing *writing, const struct block *block,
                         const char *why)
{
    struct path path = {.key = turns_place(writing->chat, block, writing->t->arena)};

    return refuse_as(writing->t, COMPLAINT_unsupported, &path, why);
}

/* ---- marks of the cache ------------------------------------------------------------------ */

static unsigned marks_of(const struct turn_block *item)
{
    unsigned count = 0;

    for (; item; item = item->next)
        count += item->block->cache != CACHE_NONE && item->block->kind != BLOCK_reasoning &&
                 item->block->kind != BLOCK_other;
    return count;
}

void anthropic_count_marks(struct chat_writing *writing)
{
    unsigned count = marks_of(writing->turns.system);

    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        count += tool->cache != CACHE_NONE && tool->kind != TOOL_HOSTED;
    for (const struct turn *turn = writing->turns.first; turn; turn = turn->next)
        count += marks_of(turn->blocks);
    if (count > CACHE_MARKS_MAX) {
        writing->marks_to_skip = count - CACHE_MARKS_MAX;
        drop(writing->t, SPAN("cache_control"));
    }
}

void anthropic_write_mark(struct chat_writing *writing, enum cache_mark mark)
{
    if (mark == CACHE_NONE)
        return;
    if (writing->marks_to_skip > 0) {
        writing->marks_to_skip--;
        return;
    }
    json_write_key(writing->json, SPAN("cache_control"));
    if (mark == CACHE_LONG && !writing->short_mark_seen) {
        json_write_raw(writing->json, SPAN("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"));
        return;
    }
    writing->short_mark_seen = true;
    json_write_raw(writing->json, SPAN("{\"type\":\"ephemeral\"}"));
}

static void begin(struct chat_writing *writing, struct span type)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), type);
}

static void end(struct chat_writing *writing, const struct block *block)
{
    anthropic_write_mark(writing, (enum cache_mark)block->cache);
    json_write_object_end(writing->json);
}

/* ---- texts and reasoning ----------------------------------------------------------------- */

static void write_text(struct chat_writing *writing, const struct block *block,
                       struct text text)
{
    begin(writing, SPAN("text"));
    text_write_member(writing->json, SPAN("text"), text);
    end(writing, block);
}

/* Byte for byte as it came, and never marked. */
static void write_reasoning(struct chat_writing *writing, const struct block *block)
{
    begin(writing, block->redacted ? SPAN("redacted_thinking") : SPAN("thinking"));
    if (!block->redacted)
        text_write_member(writing->json, SPAN("thinking"),
                          block->text.ptr ? block->text : TEXT(""));
    text_write_member(writing->json, block->redacted ? SPAN("data") : SPAN("signature"),
                      block->signature);
    json_write_object_end(writing->json);
}

/* ---- media ------------------------------------------------------------------------------- */

/* The type of an image that nobody named, by the first digits of its base64. */
static struct text sniffed(struct text data)
{
    static const struct {
        struct span digits;
        struct text type;
    } rows[] = {
        {WORD("iVBOR"), WORD("image/png")},
        {WORD("/9j/"), WORD("image/jpeg")},
        {WORD("R0lG"), WORD("image/gif")},
        {WORD("UklG"), WORD("image/webp")},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (span_starts(span_of(data.ptr, data.len), rows[i].digits))
            return rows[i].type;
    return TEXT_NONE;
}

static void write_source(struct chat_writing *writing, struct span type, struct text media_type,
                         struct span data_name, struct text data)
{
    json_write_key(writing->json, SPAN("source"));
    begin(writing, type);
    text_write_known(writing->json, SPAN("media_type"), media_type);
    text_write_member(writing->json, data_name, data);
    json_write_object_end(writing->json);
}

static bool is_web_address(struct text address)
{
    struct span span = span_of(address.ptr, address.len);

    return span_starts(span, SPAN("http"));
}

/* An address, or the name of a file that lies with this provider. */
static bool write_reference(struct chat_writing *writing, const struct block *block)
{
    const struct media *media = &block->media;

    if (media->form == MEDIA_FILE && writing->chat->dialect != DIALECT_anthropic)
        return refuse_block(writing, block, "refers to a file that lies with another provider");
    if (media->form == MEDIA_URL && !is_web_address(media->data))
        return refuse_block(writing, block, "must have an http or https address");
    if (media->form == MEDIA_FILE)
        write_source(writing, SPAN("file"), TEXT_NONE, SPAN("file_id"), media->data);
    else
        write_source(writing, SPAN("url"), TEXT_NONE, SPAN("url"), media->data);
    return true;
}

static bool write_image(struct chat_writing *writing, const struct block *block)
{
    const struct media *media = &block->media;
    struct text type = media->type.len > 0 ? media->type : sniffed(media->data);

    if (media->detail.ptr && !text_is(media->detail, SPAN("auto")))
        drop(writing->t, SPAN("detail"));
    if (media->form == MEDIA_DATA && !media_is_common_image(type))
        return refuse_block(writing, block, "must be a JPEG, PNG, GIF or WebP image");
    begin(writing, SPAN("image"));
    if (media->form == MEDIA_DATA)
        write_source(writing, SPAN("base64"), type, SPAN("data"), media->data);
    else if (!write_reference(writing, block))
        return false;
    end(writing, block);
    return true;
}

/* Words stand as they are, PDF as base64; other documents nobody can read here. */
static bool write_document_data(struct chat_writing *writing, const struct block *block)
{
    struct text words = block->media.data;

    if (block->media.form == MEDIA_DATA &&
        text_is(block->media.type, SPAN("application/pdf"))) {
        write_source(writing, SPAN("base64"), block->media.type, SPAN("data"), words);
        return true;
    }
    if (block->media.form == MEDIA_DATA) {
        words = media_is_words(block->media.type)
                    ? media_decode_words(block->media.data, writing->t->arena)
                    : TEXT_NONE;
        if (!words.ptr)
            return refuse_block(writing, block, "must be a PDF or plain text");
    }
    write_source(writing, SPAN("text"), TEXT("text/plain"), SPAN("data"), words);
    return true;
}

static bool write_document(struct chat_writing *writing, const struct block *block)
{
    bool inside = block->media.form == MEDIA_DATA || block->media.form == MEDIA_TEXT;

    begin(writing, SPAN("document"));
    if (inside ? !write_document_data(writing, block) : !write_reference(writing, block))
        return false;
    text_write_known(writing->json, SPAN("title"), block->media.name);
    end(writing, block);
    return true;
}

/* ---- tools ------------------------------------------------------------------------------- */

static bool is_legal_id(struct text id)
{
    if (id.len == 0 || id.len > ID_LIMIT_BYTES)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

static struct text id_out(struct chat_writing *writing, struct text id)
{
    return is_legal_id(id) ? id : call_id_out(writing->t, id, ID_LIMIT_BYTES);
}

static bool write_tool_use(struct chat_writing *writing, const struct block *block)
{
    struct span input;

    if (!call_input(block, writing->t->arena, &input) && writing->t->strict)
        return refuse_block(writing, block, "has arguments that are no JSON object");
    begin(writing, SPAN("tool_use"));
    text_write_member(writing->json, SPAN("id"), id_out(writing, block->id));
    text_write_member(writing->json, SPAN("name"),
                      tool_name_out(writing->t, block->name, "", NAME_LIMIT_BYTES));
    json_write_key(writing->json, SPAN("input"));
    json_write_raw(writing->json, input);
    end(writing, block);
    return true;
}

static bool write_inside(struct chat_writing *writing, const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal:
        if (!text_blank(block->text))
            write_text(writing, block, block->text);
        return true;
    case BLOCK_image: return write_image(writing, block);
    case BLOCK_document: return write_document(writing, block);
    case BLOCK_other:
        if (block->origin == DIALECT_anthropic)
            json_write_raw(writing->json, block->raw.raw);
        else
            drop(writing->t, type_of(block));
        return true;
    case BLOCK_audio:
    case BLOCK_reasoning:
    case BLOCK_tool_call:
    case BLOCK_hosted:
    case BLOCK_tool_result: break;
    }
    return refuse_block(writing, block, "cannot stand in the result of a tool");
}

static bool write_tool_result(struct chat_writing *writing, const struct block *block)
{
    const struct block *only = block->content;

    begin(writing, SPAN("tool_result"));
    text_write_member(writing->json, SPAN("tool_use_id"), id_out(writing, block->id));
    if (only && !only->next && only->kind == BLOCK_text && only->cache == CACHE_NONE) {
        text_write_member(writing->json, SPAN("content"), only->text);
    } else if (only) {
        json_write_key(writing->json, SPAN("content"));
        json_write_array(writing->json);
        for (const struct block *item = only; item; item = item->next)
            if (!write_inside(writing, item))
                return false;
        json_write_array_end(writing->json);
    }
    if (block->is_error)
        json_write_member_bool(writing->json, SPAN("is_error"), true);
    end(writing, block);
    return true;
}

/* A hosted tool's call and what came of it, as they were said here. */
static void write_act(struct chat_writing *writing, const struct act *act)
{
    json_write_raw(writing->json, act->call.raw);
    if (act->result.kind == JSON_OBJECT)
        json_write_raw(writing->json, act->result.raw);
}

/* ---- turns ------------------------------------------------------------------------------- */

static bool write_block(struct chat_writing *writing, const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal: write_text(writing, block, block->text); return true;
    case BLOCK_reasoning: write_reasoning(writing, block); return true;
    case BLOCK_image: return write_image(writing, block);
    case BLOCK_document: return write_document(writing, block);
    case BLOCK_tool_call: return write_tool_use(writing, block);
    case BLOCK_tool_result: return write_tool_result(writing, block);
    case BLOCK_hosted: write_act(writing, block->act); return true;
    case BLOCK_other: json_write_raw(writing->json, block->raw.raw); return true;
    case BLOCK_audio: break;
    }
    return refuse_block(writing, block, "is audio, which the model does not take");
}

void anthropic_write_system(struct chat_writing *writing)
{
    bool wish = writing->chat->format.kind == FORMAT_JSON;

    if (!writing->turns.system && !wish)
        return;
    json_write_key(writing->json, SPAN("system"));
    json_write_array(writing->json);
    for (const struct turn_block *item = writing->turns.system; item; item = item->next)
        if (item->block->kind == BLOCK_text)
            write_text(writing, item->block, item->block->text);
        else
            turns_drop(writing->t, item->block);
    if (wish)
        json_write_raw(writing->json, SPAN("{\"type\":\"text\",\"text\":\"" JSON_WISH "\"}"));
    json_write_array_end(writing->json);
}

/* The last words before a prefilled answer goes on may not end in white space. */
static bool write_prefill_end(struct chat_writing *writing, const struct turn *turn,
                              const struct turn_block *item)
{
    if (turn != writing->turns.last || turn->role != ROLE_assistant || item->next ||
        item->block->kind != BLOCK_text)
        return false;
    write_text(writing, item->block, text_trim_end(item->block->text));
    return true;
}

static bool write_turn(struct chat_writing *writing, const struct turn *turn)
{
    static const struct span roles[] = {
        [ROLE_system] = WORD("system"),
        [ROLE_developer] = WORD("system"),
        [ROLE_user] = WORD("user"),
        [ROLE_assistant] = WORD("assistant"),
    };

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("role"), roles[turn->role]);
    json_write_key(writing->json, SPAN("content"));
    json_write_array(writing->json);
    for (const struct turn_block *item = turn->blocks; item; item = item->next)
        if (!write_prefill_end(writing, turn, item) && !write_block(writing, item->block))
            return false;
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
    return true;
}

bool anthropic_write_messages(struct chat_writing *writing)
{
    json_write_key(writing->json, SPAN("messages"));
    json_write_array(writing->json);
    for (const struct turn *turn = writing->turns.first; turn; turn = turn->next)
        if (!write_turn(writing, turn))
            return false;
    json_write_array_end(writing->json);
    return true;
}
