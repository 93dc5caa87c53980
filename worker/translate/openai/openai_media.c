#include "worker/translate/openai/openai_inside.h"

/* TYPE without parameters, in lower case. */
static struct text media_type(struct span type, struct arena *arena)
{
    struct span name;
    char *to;

    if (!span_cut(&type, ';', &name) || name.len == 0)
        return TEXT_NONE;
    to = arena_take_text(arena, name.len);
    for (size_t i = 0; i < name.len; i++)
        to[i] =
            name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    if (span_eq(span_of(to, name.len), SPAN("image/jpg")))
        return TEXT("image/jpeg");
    return (struct text){to, name.len};
}

/* DATA without the white space that some encoders break their lines with. */
static struct text without_space(struct text data, struct arena *arena)
{
    struct text clean = {NULL, 0};
    char *to;

    if (!memchr(data.ptr, '\\', data.len) && !memchr(data.ptr, ' ', data.len))
        return data;
    to = arena_take_text(arena, data.len);
    for (size_t i = 0; i < data.len; i++) {
        if (data.ptr[i] == '\\' && i + 1 < data.len) {
            if (data.ptr[++i] == '/')
                to[clean.len++] = '/';
        } else if (data.ptr[i] != ' ') {
            to[clean.len++] = data.ptr[i];
        }
    }
    clean.ptr = to;
    return clean;
}

bool media_of_url(struct text url, struct arena *arena, struct media *ret)
{
    struct span head;
    const char *comma;

    if (url.len == 0)
        return false;
    if (url.len < 5 || !span_eq_nocase(span_of(url.ptr, 5), SPAN("data:"))) {
        ret->form = MEDIA_URL;
        ret->data = url;
        return true;
    }
    comma = memchr(url.ptr, ',', url.len);
    if (!comma)
        return false;
    head = text_plain((struct text){url.ptr + 5, (size_t)(comma - url.ptr) - 5}, arena);
    if (!span_ends(head, SPAN(";base64")))
        return false;
    ret->form = MEDIA_DATA;
    ret->type = media_type(head, arena);
    ret->data =
        without_space((struct text){comma + 1, url.len - (size_t)(comma + 1 - url.ptr)}, arena);
    return true;
}
