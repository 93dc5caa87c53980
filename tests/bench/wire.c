#include "tests/bench/wire.h"

#include <string.h>
#include <strings.h>

size_t wire_head_len(const char *ptr, size_t len)
{
    const char *end = len ? memmem(ptr, len, "\r\n\r\n", 4) : NULL;

    return end ? (size_t)(end - ptr) + 4 : 0;
}

static struct text trimmed(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return (struct text){from, (size_t)(to - from)};
}

struct text wire_header(struct text head, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = head.ptr + head.len;
    const char *line = head.ptr;

    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        line++;
        if ((size_t)(end - line) <= name_len)
            break;
        if (line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
            continue;
        const char *value = line + name_len + 1;
        const char *stop = memchr(value, '\r', (size_t)(end - value));
        return trimmed(value, stop ? stop : end);
    }
    return (struct text){0};
}

bool wire_has(struct text value, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= value.len; i++)
        if (strncasecmp(value.ptr + i, word, len) == 0)
            return true;
    return false;
}

bool wire_equal(struct text a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

uint64_t wire_number(struct text value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < value.len && i < 18; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            break;
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return number;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads "1a;ext\r\n": bytes eaten, 0 for not all there, SIZE_MAX for no such line. */
static size_t chunk_line(const char *in, size_t len, size_t *ret_size)
{
    const char *end = memchr(in, '\n', len);
    size_t size = 0;
    size_t digits = 0;

    if (!end)
        return 0;
    for (const char *at = in; digits < 8 && hex_digit(*at) >= 0; at++, digits++)
        size = size * 16 + (size_t)hex_digit(*at);
    if (!digits)
        return SIZE_MAX;
    *ret_size = size;
    return (size_t)(end - in) + 1;
}

size_t wire_unchunk(char *in, size_t len, struct text *ret_body)
{
    size_t at = 0;
    size_t carried = 0;
    size_t size = 1;
    bool whole = false;

    /* First pass over the sizes only: joining in place may begin when all is there. */
    while (!whole) {
        size_t line = chunk_line(in + at, len - at, &size);

        if (line == 0 || line == SIZE_MAX)
            return line;
        at += line + size + 2;
        if (at > len)
            return 0;
        whole = size == 0;
    }
    size_t end = at;
    for (at = 0;; at += size + 2) {
        at += chunk_line(in + at, end - at, &size);
        if (!size)
            break;
        memmove(in + carried, in + at, size);
        carried += size;
        /* What was joined may not overwrite the next line: it never does, it only lags. */
    }
    *ret_body = (struct text){in, carried};
    return end;
}

struct text wire_member(struct text json, const char *quoted_name)
{
    size_t name_len = strlen(quoted_name);
    const char *end = json.ptr + json.len;
    const char *at = json.len ? memmem(json.ptr, json.len, quoted_name, name_len) : NULL;

    if (!at)
        return (struct text){0};
    at += name_len;
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    return (struct text){at, (size_t)(end - at)};
}
