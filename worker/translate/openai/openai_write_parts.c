/* Requests on the way out: the parts of a message. */
#include "worker/translate/hosted.h"
#include "worker/translate/media.h"
#include "worker/translate/openai/openai_writing.h"
#include "worker/translate/turns.h"

bool openai_takes_marks(const struct chat_writing *writing)
{
    return has_trait(writing, TRAIT_CACHE_BREAKPOINTS) && !is_look_alike(writing);
}

static void drop_mark(struct chat_writing *writing, const struct block *block)
{
    if (block->cache != CACHE_NONE)
        openai_drop_word(writing, CLIENT_cache);
}

static void write_mark(struct chat_writing *writing, const struct block *block)
{
    if (block->cache == CACHE_NONE || !openai_takes_marks(writing)) {
        drop_mark(writing, block);
        return;
    }
    json_write_key(writing->json, SPAN("prompt_cache_breakpoint"));
    json_write_raw(writing->json, SPAN("{\"mode\":\"explicit\"}"));
}

void openai_write_text_part(struct chat_writing *writing, const struct block *block,
                            struct text text)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("text"));
    text_write_member(writing->json, SPAN("text"), text.ptr ? text : TEXT(""));
    write_mark(writing, block);
    json_write_object_end(writing->json);
}

/* A file that lies at a provider is known to that one only. */
static bool knows_files(const struct chat_writing *writing)
{
    return writing->chat->dialect == DIALECT_openai ||
           writing->chat->dialect == DIALECT_responses;
}

static bool write_image(struct chat_writing *writing, const struct block *block)
{
    struct json_writer *json = writing->json;

    if (has_quirk(writing, QUIRK_NO_IMAGES))
        return openai_refuse_block(writing, block,
                                   "is an image, which the provider does not take");
    if (block->media.form == MEDIA_FILE)
        return openai_refuse_block(writing, block, "is a file of another provider");
    if (block->media.form == MEDIA_URL && has_quirk(writing, QUIRK_IMAGES_INLINE))
        return openai_refuse_block(writing, block,
                                   "is an image by address, and the provider fetches none");
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("image_url"));
    json_write_key(json, SPAN("image_url"));
    json_write_object(json);
    json_write_key(json, SPAN("url"));
    media_write_address(json, &block->media);
    text_write_known(json, SPAN("detail"), block->media.detail);
    json_write_object_end(json);
    json_write_object_end(json);
    drop_mark(writing, block);
    return true;
}

static bool write_audio(struct chat_writing *writing, const struct block *block)
{
    struct json_writer *json = writing->json;

    if (block->media.form != MEDIA_DATA)
        return openai_refuse_block(writing, block,
                                   "is audio by address, and the provider fetches none");
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("input_audio"));
    json_write_key(json, SPAN("input_audio"));
    json_write_object(json);
    text_write_member(json, SPAN("data"), block->media.data);
    text_write_member(json, SPAN("format"), media_format_of_type(block->media.type));
    json_write_object_end(json);
    json_write_object_end(json);
    drop_mark(writing, block);
    return true;
}

static bool write_document(struct chat_writing *writing, const struct block *block)
{
    struct json_writer *json = writing->json;
    const struct media *media = &block->media;

    if (media->form == MEDIA_TEXT) {
        openai_write_text_part(writing, block, media->data);
        return true;
    }
    if (media->form == MEDIA_URL)
        return openai_refuse_block(writing, block,
                                   "is a document by address, and the provider fetches none");
    if (media->form == MEDIA_FILE && !knows_files(writing))
        return openai_refuse_block(writing, block, "is a file of another provider");
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("file"));
    json_write_key(json, SPAN("file"));
    json_write_object(json);
    if (media->form == MEDIA_FILE) {
        text_write_member(json, SPAN("file_id"), media->data);
    } else {
        text_write_member(json, SPAN("filename"),
                          media->name.len > 0 ? media->name : TEXT("document"));
        json_write_key(json, SPAN("file_data"));
        media_write_address(json, media);
    }
    json_write_object_end(json);
    json_write_object_end(json);
    drop_mark(writing, block);
    return true;
}

void openai_drop_block(struct chat_writing *writing, const struct block *block)
{
    turns_drop(writing->t, block);
}

bool openai_write_part(struct chat_writing *writing, const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal: openai_write_text_part(writing, block, block->text); return true;
    case BLOCK_image: return write_image(writing, block);
    case BLOCK_audio: return write_audio(writing, block);
    case BLOCK_document: return write_document(writing, block);
    case BLOCK_reasoning:
    case BLOCK_tool_call:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: break;
    }
    openai_drop_block(writing, block);
    return true;
}

/* ---- for dialects that say less ---------------------------------------------------------- */

static bool is_plain(struct translation *t, const struct block *block)
{
    (void)t;
    if (block->kind == BLOCK_text)
        return !text_blank(block->text); /* but its signature it says nothing */
    return block->kind != BLOCK_reasoning && block->kind != BLOCK_hosted &&
           block->kind != BLOCK_other;
}

static void drop_unsaid(struct chat_writing *writing, const struct message *message)
{
    if (message->name.ptr)
        drop(writing->t, SPAN("messages.name"));
    for (const struct block *block = message->blocks; block; block = block->next) {
        turns_drop_citations(writing->t, block);
        if (block->kind == BLOCK_reasoning)
            openai_drop_word(writing, CLIENT_reasoning);
        else if (block->kind == BLOCK_other ||
                 (block->kind == BLOCK_hosted && block->act->kind != HOSTED_code))
            openai_drop_block(writing, block);
    }
}

void openai_plain_turns(struct chat_writing *writing, uint32_t flags, struct turns *ret)
{
    for (const struct message *at = writing->chat->messages; at; at = at->next)
        drop_unsaid(writing, at);
    turns_make(writing->t, writing->chat, flags | TURNS_ACT_WORDS, is_plain, ret);
}
