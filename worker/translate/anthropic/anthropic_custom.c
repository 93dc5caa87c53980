/* {"input":"..."} as it comes in pieces, back to the free text that it wraps. The pieces are
 * JSON inside of a JSON string; what they hold of the inner string, once decoded, is the text
 * as it stands in a JSON string. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

enum place {
    BEFORE, /* the opening quote of the value */
    IN_KEY,
    AFTER_KEY,
    INSIDE,
    BEHIND
};

void custom_input_init(struct custom_input *custom)
{
    *custom = (struct custom_input){.place = BEFORE};
}

static void skip(struct text *piece, size_t count)
{
    piece->ptr += count;
    piece->len -= count;
}

/* The number of an escape "\\u00e9" at the start of PIECE; UINT32_MAX when there is none. */
static uint32_t escape_number(struct text piece)
{
    uint32_t number = 0;

    if (piece.len < 6 || piece.ptr[0] != '\\' || piece.ptr[1] != 'u')
        return UINT32_MAX;
    for (unsigned i = 2; i < 6; i++) {
        char c = (char)(piece.ptr[i] | 0x20);

        number = number * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return number;
}

/* The next character that PIECE spells: ASCII, or a byte of UTF-8. */
static char take_char(struct text *piece)
{
    static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
    uint32_t number = escape_number(*piece);
    char c = *piece->ptr;
    const char *name;

    if (number != UINT32_MAX) {
        skip(piece, 6);
        return (char)number;
    }
    skip(piece, 1);
    if (c != '\\' || piece->len == 0)
        return c;
    name = strchr(names, *piece->ptr);
    c = name ? chars[name - names] : *piece->ptr;
    skip(piece, 1);
    return c;
}

/* A character of the inner JSON; true when it belongs to the text. */
static bool step(struct custom_input *custom, char c)
{
    bool escaped = custom->escaped;

    custom->escaped = false;
    switch ((enum place)custom->place) {
    case BEFORE:
        if (c == '"')
            custom->place = IN_KEY;
        return false;
    case IN_KEY:
        if (c == '"')
            custom->place = AFTER_KEY;
        return false;
    case AFTER_KEY:
        if (c == '"')
            custom->place = INSIDE;
        return false;
    case INSIDE:
        if (c == '"' && !escaped) {
            custom->place = BEHIND;
            return false;
        }
        custom->escaped = c == '\\' && !escaped;
        return true;
    case BEHIND: break;
    }
    return false;
}

/* How many bytes of an escape are still to come after C, a character of the text. */
static void count_escape(struct custom_input *custom, char c)
{
    if (custom->missing > 0)
        custom->missing--;
    else if (c == '\\')
        custom->missing = 1;
    if (custom->missing == 0 && custom->held_len == 1 && custom->held[0] == '\\' && c == 'u')
        custom->missing = 4;
}

/* An escape of the outer JSON for a character that is not ASCII: the inner JSON has it as it
 * stands here, since one escape says the same in both. */
static bool is_foreign_escape(struct text piece)
{
    uint32_t number = escape_number(piece);

    return number >= 0x80 && number != UINT32_MAX;
}

static size_t take_foreign_escape(struct custom_input *custom, struct text *piece, char *out)
{
    size_t len = custom->place == INSIDE && custom->missing == 0 ? 6 : 0;

    memcpy(out, piece->ptr, len);
    skip(piece, 6);
    return len;
}

static bool is_inside_utf8(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

struct text custom_input_next(struct custom_input *custom, struct text *piece, char *out)
{
    size_t len = 0;

    while (piece->len > 0 &&
           (len < CUSTOM_PIECE_BYTES - 2 * CUSTOM_HELD_BYTES || is_inside_utf8(*piece->ptr))) {
        char c;

        if (is_foreign_escape(*piece)) {
            len += take_foreign_escape(custom, piece, out + len);
            continue;
        }
        c = take_char(piece);
        if (!step(custom, c))
            continue;
        count_escape(custom, c);
        custom->held[custom->held_len++] = c;
        if (custom->missing > 0)
            continue;
        memcpy(out + len, custom->held, custom->held_len);
        len += custom->held_len;
        custom->held_len = 0;
    }
    return (struct text){out, len};
}
