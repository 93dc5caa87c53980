#include "shared/text/json_write.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/text/json_bytes.h"

enum level {
    LEVEL_OBJECT = 1, /* else an array, or the outermost place */
    LEVEL_LATER = 2,  /* something stands there already */
    LEVEL_KEY = 4,    /* a name was written and waits for its value */
};

void json_write_init(struct json_writer *writer, struct buffer *out)
{
    *writer = (struct json_writer){.out = out};
}

/* What comes before a value at this place. */
static void before_value(struct json_writer *writer)
{
    uint8_t *top = &writer->stack[writer->depth];

    if (*top & LEVEL_OBJECT) {
        CHECK(*top & LEVEL_KEY);
        *top &= (uint8_t)~LEVEL_KEY;
        return;
    }
    if (*top & LEVEL_LATER) {
        CHECK(writer->depth > 0);
        (void)buffer_append_byte(writer->out, ',');
    }
    *top |= LEVEL_LATER;
}

static void open_level(struct json_writer *writer, char bracket, uint8_t level)
{
    before_value(writer);
    CHECK(writer->depth + 1 < JSON_WRITE_DEPTH);
    writer->stack[++writer->depth] = level;
    (void)buffer_append_byte(writer->out, bracket);
}

static void close_level(struct json_writer *writer, char bracket, uint8_t level)
{
    CHECK(writer->depth > 0);
    CHECK((writer->stack[writer->depth] & (LEVEL_OBJECT | LEVEL_KEY)) == level);
    writer->depth--;
    (void)buffer_append_byte(writer->out, bracket);
}

void json_write_object(struct json_writer *writer)
{
    open_level(writer, '{', LEVEL_OBJECT);
}

void json_write_object_end(struct json_writer *writer)
{
    close_level(writer, '}', LEVEL_OBJECT);
}

void json_write_array(struct json_writer *writer)
{
    open_level(writer, '[', 0);
}

void json_write_array_end(struct json_writer *writer)
{
    close_level(writer, ']', 0);
}

/* A name is about to stand here; whether others stand before it. */
static bool before_name(struct json_writer *writer)
{
    uint8_t *top = &writer->stack[writer->depth];
    bool later = *top & LEVEL_LATER;

    CHECK((*top & (LEVEL_OBJECT | LEVEL_KEY)) == LEVEL_OBJECT);
    *top |= LEVEL_LATER | LEVEL_KEY;
    return later;
}

void json_write_key(struct json_writer *writer, struct span key)
{
    if (before_name(writer))
        (void)buffer_append_byte(writer->out, ',');
    (void)json_append_quoted(writer->out, key);
    (void)buffer_append_byte(writer->out, ':');
}

void json_write_name(struct json_writer *writer, struct json_name name)
{
    (void)buffer_append(writer->out, span_skip(name.text, !before_name(writer)));
}

void json_write_text(struct json_writer *writer, struct span text)
{
    if (!text.ptr) {
        json_write_null(writer);
        return;
    }
    before_value(writer);
    (void)json_append_quoted(writer->out, text);
}

void json_write_u64(struct json_writer *writer, uint64_t number)
{
    before_value(writer);
    (void)buffer_append_u64(writer->out, number);
}

void json_write_i64(struct json_writer *writer, int64_t number)
{
    before_value(writer);
    (void)buffer_append_i64(writer->out, number);
}

void json_write_bool(struct json_writer *writer, bool value)
{
    json_write_raw(writer, value ? SPAN("true") : SPAN("false"));
}

void json_write_null(struct json_writer *writer)
{
    json_write_raw(writer, SPAN("null"));
}

void json_write_inside_two(struct json_writer *writer, struct span first, struct span second)
{
    before_value(writer);
    (void)buffer_append_byte(writer->out, '"');
    (void)buffer_append(writer->out, first);
    (void)buffer_append(writer->out, second);
    (void)buffer_append_byte(writer->out, '"');
}

void json_write_inside(struct json_writer *writer, struct span inside)
{
    json_write_inside_two(writer, inside, SPAN_NONE);
}

void json_write_raw(struct json_writer *writer, struct span raw)
{
    before_value(writer);
    (void)buffer_append(writer->out, raw);
}

void json_write_member_text(struct json_writer *writer, struct span key, struct span text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

void json_write_member_u64(struct json_writer *writer, struct span key, uint64_t number)
{
    json_write_key(writer, key);
    json_write_u64(writer, number);
}

void json_write_member_i64(struct json_writer *writer, struct span key, int64_t number)
{
    json_write_key(writer, key);
    json_write_i64(writer, number);
}

void json_write_member_bool(struct json_writer *writer, struct span key, bool value)
{
    json_write_key(writer, key);
    json_write_bool(writer, value);
}

void json_write_named_text(struct json_writer *writer, struct json_name name, struct span text)
{
    json_write_name(writer, name);
    json_write_text(writer, text);
}

void json_write_named_u64(struct json_writer *writer, struct json_name name, uint64_t number)
{
    json_write_name(writer, name);
    json_write_u64(writer, number);
}

void json_write_named_bool(struct json_writer *writer, struct json_name name, bool value)
{
    json_write_name(writer, name);
    json_write_bool(writer, value);
}

/* The letter of the short escape of C, or 0. */
static char short_escape(char c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\b': return 'b';
    case '\f': return 'f';
    default: return 0;
    }
}

/* Writes what *REST begins with, which is no plain byte. */
static void append_special(struct buffer *out, struct span *rest)
{
    unsigned length = utf8_length(*rest);
    char letter = short_escape(rest->ptr[0]);

    if (length > 1) {
        (void)buffer_append(out, span_of(rest->ptr, length));
        *rest = span_skip(*rest, length);
        return;
    }
    if (letter) {
        (void)buffer_append_byte(out, '\\');
        (void)buffer_append_byte(out, letter);
    } else if (length == 1) {
        (void)buffer_append(out, SPAN("\\u00"));
        (void)buffer_append_hex(out, (unsigned char)rest->ptr[0], 2);
    } else {
        (void)buffer_append(out, SPAN("\xef\xbf\xbd"));
    }
    *rest = span_skip(*rest, 1);
}

/* Most texts have nothing to escape: they are written in one piece. */
static bool append_plain(struct buffer *out, struct span text)
{
    char *room = buffer_reserve(out, text.len + 2);

    if (!room)
        return false;
    room[0] = '"';
    if (text.len > 0)
        memcpy(room + 1, text.ptr, text.len);
    room[1 + text.len] = '"';
    buffer_grew(out, text.len + 2);
    return true;
}

bool json_append_quoted(struct buffer *out, struct span text)
{
    if (json_plain_end(text.ptr, text.ptr + text.len) == text.ptr + text.len)
        return append_plain(out, text);
    (void)buffer_append_byte(out, '"');
    while (text.len > 0 && !out->failed) {
        const char *plain = json_plain_end(text.ptr, text.ptr + text.len);
        size_t count = (size_t)(plain - text.ptr);

        (void)buffer_append(out, span_of(text.ptr, count));
        text = span_skip(text, count);
        if (text.len > 0)
            append_special(out, &text);
    }
    return buffer_append_byte(out, '"');
}

bool json_list_add(struct buffer *list, struct span element, size_t most)
{
    size_t len_before = list->len;

    if (element.len > most || len_before + element.len + (len_before > 0 ? 1 : 2) > most)
        return false;
    if (len_before > 0)
        list->ptr[len_before - 1] = ',';
    else
        (void)buffer_append_byte(list, '[');
    (void)buffer_append(list, element);
    if (buffer_append_byte(list, ']'))
        return true;
    list->len = len_before;
    if (len_before > 0)
        list->ptr[len_before - 1] = ']';
    return false;
}
