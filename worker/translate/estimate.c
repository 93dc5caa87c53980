#include "worker/translate/estimate.h"

/* Costs in sixteenths of a token. */
#define ONE             16U
#define LETTERS_AT_ONCE 11 /* a word of so many letters is one token, mostly */
#define LETTERS_MORE    6  /* and one more for each so many after */
#define DIGITS_AT_ONCE  3
#define INDENTATION     4
#define PUNCTUATION     13
#define PUNCTUATION_ON  6  /* after another: brackets and quotes come in groups */
#define ESCAPE          11 /* line ends, mostly */
#define TWO_BYTES       8  /* Latin with accents, Greek, Cyrillic, Hebrew, Arabic */
#define THREE_BYTES     11 /* Chinese, Japanese, Korean */
#define FOUR_BYTES      36 /* emoji */

#define MESSAGE_TOKENS 4    /* what frames each message */
#define TOOL_TOKENS    8    /* ... each tool */
#define MEDIA_TOKENS   1024 /* an image or a page or some seconds of sound */

enum byte_kind {
    BYTE_LETTER,
    BYTE_DIGIT,
    BYTE_SPACE,
    BYTE_ESCAPE,
    BYTE_OTHER,
    BYTE_UTF8
};

static enum byte_kind kind_of(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return BYTE_LETTER;
    if (c >= '0' && c <= '9')
        return BYTE_DIGIT;
    if (c == ' ')
        return BYTE_SPACE;
    if (c == '\\')
        return BYTE_ESCAPE;
    return c & (char)0x80 ? BYTE_UTF8 : BYTE_OTHER;
}

/* The run of letters at AT: a capital after a small letter begins a new word. */
static size_t word_length(struct span text, size_t at)
{
    size_t end = at + 1;

    while (end < text.len && kind_of(text.ptr[end]) == BYTE_LETTER &&
           !(text.ptr[end] <= 'Z' && text.ptr[end - 1] >= 'a'))
        end++;
    return end - at;
}

static size_t run_length(struct span text, size_t at, enum byte_kind kind)
{
    size_t end = at + 1;

    while (end < text.len && kind_of(text.ptr[end]) == kind)
        end++;
    return end - at;
}

static uint64_t word_cost(size_t letters)
{
    size_t more = letters > LETTERS_AT_ONCE ? letters - LETTERS_AT_ONCE : 0;

    return ONE + ONE * ((more + LETTERS_MORE - 1) / LETTERS_MORE);
}

/* A character beyond ASCII, by the length of its UTF-8. */
static uint64_t character_cost(unsigned char lead, size_t *ret_len)
{
    *ret_len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return lead >= 0xf0 ? FOUR_BYTES : lead >= 0xe0 ? THREE_BYTES : TWO_BYTES;
}

/* The piece that begins at AT: its cost, and its length. */
static uint64_t piece_cost(struct span text, size_t at, size_t *ret_len)
{
    switch (kind_of(text.ptr[at])) {
    case BYTE_LETTER: *ret_len = word_length(text, at); return word_cost(*ret_len);
    case BYTE_DIGIT:
        *ret_len = run_length(text, at, BYTE_DIGIT);
        return ONE * ((*ret_len + DIGITS_AT_ONCE - 1) / DIGITS_AT_ONCE);
    case BYTE_SPACE: /* one goes with the word that follows, an indentation with its line end
                      */
        *ret_len = run_length(text, at, BYTE_SPACE);
        return *ret_len > 1 && !(at > 0 && text.ptr[at - 1] == 'n') ? ONE
               : *ret_len > 1                                       ? INDENTATION
                                                                    : 0;
    case BYTE_ESCAPE:
        *ret_len = at + 1 < text.len && text.ptr[at + 1] == 'u' ? 6 : 2;
        return ESCAPE;
    case BYTE_UTF8: return character_cost((unsigned char)text.ptr[at], ret_len);
    case BYTE_OTHER: break;
    }
    *ret_len = 1;
    if (at > 0 && text.ptr[at] == text.ptr[at - 1])
        return 0;
    return at > 0 && kind_of(text.ptr[at - 1]) == BYTE_OTHER ? PUNCTUATION_ON : PUNCTUATION;
}

uint64_t estimate_text(struct span escaped)
{
    uint64_t cost = 0;
    size_t len;

    for (size_t at = 0; at < escaped.len; at += len)
        cost += piece_cost(escaped, at, &len);
    return (cost + ONE / 2) / ONE;
}

static uint64_t of_text(struct text text)
{
    return estimate_text(span_of(text.ptr, text.len));
}

static uint64_t of_block(const struct block *block)
{
    uint64_t tokens = of_text(block->text) + of_text(block->name) + of_text(block->arguments) +
                      estimate_text(block->input.raw);

    if (block->kind == BLOCK_image || block->kind == BLOCK_audio ||
        block->kind == BLOCK_document)
        tokens += block->media.form == MEDIA_TEXT ? of_text(block->media.data) : MEDIA_TOKENS;
    for (const struct block *part = block->content; part; part = part->next)
        tokens += of_block(part);
    return tokens;
}

uint64_t estimate_chat(const struct chat *chat)
{
    uint64_t tokens = 0;

    for (const struct message *message = chat->messages; message; message = message->next) {
        tokens += MESSAGE_TOKENS;
        for (const struct block *block = message->blocks; block; block = block->next)
            tokens += of_block(block);
    }
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        tokens += TOOL_TOKENS + of_text(tool->name) + of_text(tool->description) +
                  estimate_text(tool->schema.raw);
    return tokens + estimate_text(chat->format.schema.raw);
}

#define DATA_LEAST 512 /* bytes of a string without a space: a picture, a sound, a document */

static uint64_t of_string(struct span inside)
{
    size_t look = inside.len < DATA_LEAST ? inside.len : DATA_LEAST;

    if (inside.len >= DATA_LEAST && !memchr(inside.ptr, ' ', look) &&
        !memchr(inside.ptr, '\\', look) && !memchr(inside.ptr, 0xe4, look))
        return MEDIA_TOKENS;
    return estimate_text(inside);
}

uint64_t estimate_body(struct span body)
{
    const char *at = body.ptr, *end = body.ptr + body.len;
    uint64_t tokens = 0;

    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *from = ++at;

        while (at < end && *at != '"')
            at += *at == '\\' ? 2 : 1;
        if (at > end)
            at = end;
        tokens += of_string(span_of(from, (size_t)(at - from)));
        at++;
    }
    return tokens;
}
