#include "shared/text/json.h"
#include "shared/text/json_scan.h"

#define REPLACEMENT 0xfffdU

static unsigned read_hex4(const char *at)
{
    unsigned value = 0;

    for (unsigned i = 0; i < 4; i++) {
        char c = at[i];

        value = value << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static unsigned write_utf8(unsigned code, char text[4])
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        text[0] = (char)(0xc0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        text[0] = (char)(0xe0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | code >> 18);
    text[1] = (char)(0x80 | (code >> 12 & 0x3f));
    text[2] = (char)(0x80 | (code >> 6 & 0x3f));
    text[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The code point of a \u escape at the front of *REST (after the u); a pair of surrogates is
 * one, a lone one becomes U+FFFD. */
static unsigned take_code(struct span *rest)
{
    unsigned code = read_hex4(rest->ptr), low;

    *rest = span_skip(*rest, 4);
    if (code < 0xd800 || code > 0xdfff)
        return code;
    if (code > 0xdbff || rest->len < 6 || rest->ptr[0] != '\\' || rest->ptr[1] != 'u')
        return REPLACEMENT;
    low = read_hex4(rest->ptr + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    *rest = span_skip(*rest, 6);
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Decodes the escape that *REST begins with into TEXT and eats it. */
static unsigned take_escape(struct span *rest, char text[4])
{
    char letter = rest->len > 1 ? rest->ptr[1] : '\\';

    *rest = span_skip(*rest, 2);
    text[0] = letter;
    switch (letter) {
    case 'b': text[0] = '\b'; break;
    case 'f': text[0] = '\f'; break;
    case 'n': text[0] = '\n'; break;
    case 'r': text[0] = '\r'; break;
    case 't': text[0] = '\t'; break;
    case 'u':
        if (rest->len >= 4)
            return write_utf8(take_code(rest), text);
        break;
    default: break;
    }
    return 1;
}

/* The run before the next escape. */
static struct span take_plain(struct span *rest)
{
    const char *escape = rest->len > 0 ? memchr(rest->ptr, '\\', rest->len) : NULL;
    struct span run = *rest;

    if (escape)
        run.len = (size_t)(escape - rest->ptr);
    *rest = span_skip(*rest, run.len);
    return run;
}

bool json_inside_is(struct span inside, struct span text)
{
    if (inside.len <= text.len) /* an escape is longer than what it stands for */
        return span_eq(inside, text) && (text.len == 0 || !memchr(text.ptr, '\\', text.len));
    while (inside.len > 0) {
        struct span run = take_plain(&inside);
        char decoded[4];

        if (!span_starts(text, run))
            return false;
        text = span_skip(text, run.len);
        if (inside.len == 0)
            break;
        size_t size = take_escape(&inside, decoded);
        run = span_of(decoded, size);
        if (!span_starts(text, run))
            return false;
        text = span_skip(text, run.len);
    }
    return text.len == 0;
}

static struct span inside_of(struct json_value string)
{
    if (string.kind != JSON_STRING || string.raw.len < 2)
        return SPAN_NONE;
    return span_of(string.raw.ptr + 1, string.raw.len - 2);
}

bool json_text_eq(struct json_value string, struct span text)
{
    struct span inside = inside_of(string);

    return inside.ptr && json_inside_is(inside, text);
}

struct span json_text(struct json_value string, struct arena *arena)
{
    return json_inside_text(inside_of(string), arena);
}

struct span json_inside_text(struct span inside, struct arena *arena)
{
    struct span rest = inside;
    size_t len = 0;
    char *text;

    if (rest.len == 0 || !memchr(rest.ptr, '\\', rest.len))
        return rest;
    text = arena_take_text(arena, rest.len); /* no escape decodes to more than its own length */
    while (rest.len > 0) {
        struct span run = take_plain(&rest);

        if (run.len > 0)
            memcpy(text + len, run.ptr, run.len);
        len += run.len;
        if (rest.len > 0) {
            char decoded[4];
            unsigned count = take_escape(&rest, decoded);

            memcpy(text + len, decoded, count);
            len += count;
        }
    }
    return span_of(text, len);
}
