#include "worker/translate/estimate.h"

#include "shared/base/check.h"

#define SOUND_BYTES    16000 /* a second, between compressed and not */
#define DOCUMENT_BYTES 40000 /* a page */

/* ---- media ------------------------------------------------------------------------------- */

enum media_weight {
    WEIGH_PICTURE,
    WEIGH_SOUND,
    WEIGH_DOCUMENT
};

/* How base64 begins, by what the bytes are; and types of data URLs. */
static const struct {
    struct span begin;
    enum media_weight weight;
} media_kinds[] = {
    {WORD("JVBERi"), WEIGH_DOCUMENT}, /* PDF */
    {WORD("UEsDB"), WEIGH_DOCUMENT},  /* the formats of offices */
    {WORD("SUQz"), WEIGH_SOUND},      /* MP3 */
    {WORD("//"), WEIGH_SOUND},
    {WORD("T2dnUw"), WEIGH_SOUND}, /* Ogg */
    {WORD("ZkxhQ"), WEIGH_SOUND},  /* FLAC */
    {WORD("UklGR"), WEIGH_SOUND},  /* WAV, and WebP: see below */
    {WORD("data:audio/"), WEIGH_SOUND},
    {WORD("data:application/"), WEIGH_DOCUMENT},
    {WORD("data:text/"), WEIGH_DOCUMENT},
};

#define RIFF_FORM 10 /* where base64 of a RIFF says which one */

static enum media_weight weight_of(struct span data)
{
    if (span_starts(data, SPAN("UklGR")) &&
        span_starts(span_skip(data, RIFF_FORM), SPAN("XRUJQ")))
        return WEIGH_PICTURE;
    for (unsigned i = 0; i < ARRAY_LEN(media_kinds); i++)
        if (span_starts(data, media_kinds[i].begin))
            return media_kinds[i].weight;
    return WEIGH_PICTURE;
}

void estimate_media(struct estimate *estimate, struct span data)
{
    size_t bytes = data.len / 4 * 3;

    switch (weight_of(data)) {
    case WEIGH_PICTURE: estimate->pictures++; break;
    case WEIGH_SOUND: estimate->sound_bytes += bytes; break;
    case WEIGH_DOCUMENT: estimate->document_bytes += bytes + DOCUMENT_BYTES; break;
    }
}

static uint64_t media_tokens(const struct estimate *estimate, const struct tokenizer_row *row)
{
    return estimate->pictures * row->picture +
           estimate->sound_bytes / SOUND_BYTES * row->seconds / 10 +
           estimate->document_bytes / DOCUMENT_BYTES * row->page;
}

uint64_t estimate_tokens(const struct estimate *estimate, enum tokenizer tokenizer)
{
    const struct tokenizer_row *row = tokenizer_row(tokenizer);

    return tokenizer_weigh(estimate->counts, tokenizer) + estimate->numbers +
           estimate->messages * row->message + estimate->tools * row->tool +
           (estimate->tools > 0 ? row->tools : 0) + media_tokens(estimate, row);
}

/* ---- chats ------------------------------------------------------------------------------- */

struct estimating {
    struct estimate *estimate;
    struct tally tally;
    uint8_t bytes[TALLY_BYTES(TALLY_BLOCK)];
};

static void add(struct estimating *to, struct span escaped)
{
    tally_add_escaped(&to->tally, escaped);
    tally_break(&to->tally);
}

static void add_text(struct estimating *to, struct text text)
{
    if (text.ptr)
        add(to, span_of(text.ptr, text.len));
}

static void add_raw(struct estimating *to, struct json_value value)
{
    if (value.kind == JSON_ABSENT)
        return;
    tally_add(&to->tally, value.raw);
    tally_break(&to->tally);
}

static void add_block(struct estimating *to, const struct block *block)
{
    add_text(to, block->text);
    add_text(to, block->name);
    add_text(to, block->arguments);
    add_raw(to, block->input);
    if (block->media.form == MEDIA_TEXT)
        add_text(to, block->media.data);
    else if (block->kind == BLOCK_image || block->kind == BLOCK_audio ||
             block->kind == BLOCK_document)
        estimate_media(to->estimate, span_of(block->media.data.ptr, block->media.data.len));
    for (const struct block *part = block->content; part; part = part->next)
        add_block(to, part);
}

static void add_tool(struct estimating *to, const struct tool *tool)
{
    to->estimate->tools++;
    add_text(to, tool->name);
    add_text(to, tool->description);
    add_raw(to, tool->schema);
}

static void begin(struct estimating *to, struct estimate *estimate)
{
    *estimate = (struct estimate){.messages = 0};
    to->estimate = estimate;
    tally_init(&to->tally, to->bytes, TALLY_BLOCK);
}

static void finish(struct estimating *to)
{
    tally_finish(&to->tally);
    memcpy(to->estimate->counts, to->tally.counts, sizeof(to->tally.counts));
}

void estimate_chat(const struct chat *chat, struct estimate *ret)
{
    struct estimating to;

    begin(&to, ret);
    for (const struct message *message = chat->messages; message; message = message->next) {
        ret->messages++;
        for (const struct block *block = message->blocks; block; block = block->next)
            add_block(&to, block);
    }
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        add_tool(&to, tool);
    add_raw(&to, chat->format.schema);
    finish(&to);
}

uint64_t estimate_text(struct span escaped, enum tokenizer tokenizer)
{
    struct estimate estimate;
    struct estimating to;

    begin(&to, &estimate);
    add(&to, escaped);
    finish(&to);
    return tokenizer_weigh(estimate.counts, tokenizer);
}
