#include "worker/translate/text.h"

struct text text_of(struct json_value string)
{
    if (string.kind != JSON_STRING)
        return TEXT_NONE;
    return (struct text){string.raw.ptr + 1, string.raw.len - 2};
}

static struct span inside(struct text text)
{
    return span_of(text.ptr, text.len);
}

/* The limit of a buffer that quotes LEN bytes: six for each, and the quotes. */
static size_t quoted_limit(size_t len)
{
    size_t limit;

    if (__builtin_mul_overflow(len, (size_t)6, &limit))
        return SIZE_MAX;
    return limit + 2;
}

struct text text_escape(struct span plain, struct arena *arena)
{
    struct buffer out _buffer_;
    struct span quoted;

    buffer_init(&out, quoted_limit(plain.len));
    if (!plain.ptr)
        return TEXT_NONE;
    (void)json_append_quoted(&out, plain);
    quoted = buffer_span(&out);
    if (quoted.len == plain.len + 2 && memcmp(quoted.ptr + 1, plain.ptr, plain.len) == 0)
        return (struct text){plain.ptr, plain.len};
    quoted = arena_copy(arena, span_of(quoted.ptr + 1, quoted.len - 2));
    return (struct text){quoted.ptr, quoted.len};
}

struct span text_plain(struct text text, struct arena *arena)
{
    if (!text.ptr)
        return SPAN_NONE;
    return json_inside_text(inside(text), arena);
}

bool text_is(struct text text, struct span plain)
{
    return text.ptr && json_inside_is(inside(text), plain);
}

/* The size of the white space that TEXT ends in: a byte, an escape of two, or 0. */
static size_t space_at_end(struct text text)
{
    char last = text.len > 0 ? text.ptr[text.len - 1] : 'x';
    size_t backslashes = 0;

    if (last == ' ')
        return 1;
    if (text.len < 2 || (last != 'n' && last != 't' && last != 'r'))
        return 0;
    while (backslashes < text.len - 1 && text.ptr[text.len - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1 ? 2 : 0;
}

struct text text_trim_end(struct text text)
{
    size_t space;

    while ((space = space_at_end(text)) > 0)
        text.len -= space;
    return text;
}

bool text_blank(struct text text)
{
    return text_trim_end(text).len == 0;
}

struct text text_copy(struct text text, struct arena *arena)
{
    struct span copy;

    if (!text.ptr)
        return text;
    copy = arena_copy(arena, span_of(text.ptr, text.len));
    return (struct text){copy.ptr, copy.len};
}

struct text text_join(struct text a, struct text b, struct arena *arena)
{
    char *to;

    if (a.len == 0)
        return b.ptr ? b : a;
    if (b.len == 0)
        return a;
    to = arena_take_text(arena, a.len + b.len);
    memcpy(to, a.ptr, a.len);
    memcpy(to + a.len, b.ptr, b.len);
    return (struct text){to, a.len + b.len};
}

void text_write(struct json_writer *json, struct text text)
{
    if (!text.ptr)
        json_write_null(json);
    else
        json_write_inside(json, inside(text));
}

void text_write_member(struct json_writer *json, struct span key, struct text text)
{
    json_write_key(json, key);
    text_write(json, text);
}

void text_write_known(struct json_writer *json, struct span key, struct text text)
{
    if (text.ptr)
        text_write_member(json, key, text);
}
