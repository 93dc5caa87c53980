#include "worker/translate/media.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "worker/translate/dialect.h"

static struct span inside(struct text text)
{
    return span_of(text.ptr, text.len);
}

static struct text as_text(struct span span)
{
    return (struct text){span.ptr, span.len};
}

static bool holds(struct span s, char c)
{
    return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_nocase(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq_nocase(span_of(s.ptr, prefix.len), prefix);
}

/* ---- types ----------------------------------------------------------------------------- */

struct pair {
    struct span from, to;
};

static const struct pair right_names[] = {
    {WORD("image/jpg"), WORD("image/jpeg")}, {WORD("image/pjpeg"), WORD("image/jpeg")},
    {WORD("audio/mp3"), WORD("audio/mpeg")}, {WORD("audio/x-wav"), WORD("audio/wav")},
    {WORD("audio/wave"), WORD("audio/wav")},
};

static const struct pair endings[] = {
    {WORD("jpg"), WORD("image/jpeg")},        {WORD("jpeg"), WORD("image/jpeg")},
    {WORD("png"), WORD("image/png")},         {WORD("gif"), WORD("image/gif")},
    {WORD("webp"), WORD("image/webp")},       {WORD("heic"), WORD("image/heic")},
    {WORD("heif"), WORD("image/heif")},       {WORD("pdf"), WORD("application/pdf")},
    {WORD("txt"), WORD("text/plain")},        {WORD("md"), WORD("text/markdown")},
    {WORD("csv"), WORD("text/csv")},          {WORD("html"), WORD("text/html")},
    {WORD("json"), WORD("application/json")}, {WORD("wav"), WORD("audio/wav")},
    {WORD("mp3"), WORD("audio/mpeg")},        {WORD("flac"), WORD("audio/flac")},
    {WORD("ogg"), WORD("audio/ogg")},         {WORD("mp4"), WORD("video/mp4")},
    {WORD("mov"), WORD("video/quicktime")},   {WORD("webm"), WORD("video/webm")},
};

static struct span look_up(const struct pair *pairs, unsigned count, struct span from)
{
    for (unsigned i = 0; i < count; i++)
        if (span_eq_nocase(pairs[i].from, from))
            return pairs[i].to;
    return SPAN_NONE;
}

struct text media_type_clean(struct text type, struct arena *arena)
{
    struct span rest = text_plain(type, arena), name, known;
    char *to;

    if (!span_cut(&rest, ';', &name))
        return TEXT_NONE;
    name = span_trim(name);
    known = look_up(right_names, ARRAY_LEN(right_names), name);
    if (known.ptr)
        return as_text(known);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == lower(name.ptr[i]))
            continue;
        to = arena_take_text(arena, name.len);
        for (size_t k = 0; k < name.len; k++)
            to[k] = lower(name.ptr[k]);
        return text_escape(span_of(to, name.len), arena);
    }
    return text_escape(name, arena);
}

struct text media_type_of_name(struct text name)
{
    struct span rest = inside(name), path;
    size_t dot;

    if (span_starts(rest, SPAN("http")) && span_cut(&rest, '?', &path))
        rest = path;
    else
        rest = inside(name);
    for (dot = rest.len; dot > 0 && rest.ptr[dot - 1] != '.'; dot--)
        if (rest.ptr[dot - 1] == '/')
            return TEXT_NONE;
    if (dot == 0)
        return TEXT_NONE;
    return as_text(look_up(endings, ARRAY_LEN(endings), span_skip(rest, dot)));
}

enum block_kind media_block_kind(struct text type)
{
    if (span_starts(inside(type), SPAN("image/")))
        return BLOCK_image;
    if (span_starts(inside(type), SPAN("audio/")))
        return BLOCK_audio;
    return BLOCK_document;
}

bool media_is_common_image(struct text type)
{
    static const struct span common[] = {WORD("image/jpeg"), WORD("image/png"),
                                         WORD("image/gif"), WORD("image/webp")};

    for (unsigned i = 0; i < ARRAY_LEN(common); i++)
        if (span_eq(inside(type), common[i]))
            return true;
    return false;
}

bool media_is_words(struct text type)
{
    return span_starts(inside(type), SPAN("text/"));
}

struct text media_type_of_format(struct text format, struct arena *arena)
{
    return media_type_clean(text_join(TEXT("audio/"), format, arena), arena);
}

struct text media_format_of_type(struct text type)
{
    if (text_eq(type, TEXT("audio/mpeg")))
        return TEXT("mp3");
    if (!span_starts(inside(type), SPAN("audio/")))
        return TEXT_NONE;
    return as_text(span_skip(inside(type), strlen("audio/")));
}

/* ---- data ------------------------------------------------------------------------------ */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* BASE64 holds no escape, but perhaps white space. */
static struct span without_space(struct span base64, struct arena *arena)
{
    char *to;
    size_t len = 0;

    if (!holds(base64, ' ') && !holds(base64, '\n') && !holds(base64, '\r') &&
        !holds(base64, '\t'))
        return base64;
    to = arena_take_text(arena, base64.len);
    for (size_t i = 0; i < base64.len; i++)
        if (!is_space(base64.ptr[i]))
            to[len++] = base64.ptr[i];
    return span_of(to, len);
}

/* What was made of SOURCE by leaving out bytes; a slice of it needs no escape. */
static struct text left_of(struct span made, struct text source, struct arena *arena)
{
    if (made.ptr >= source.ptr && made.ptr <= source.ptr + source.len)
        return as_text(made);
    return text_escape(made, arena);
}

struct text media_clean_base64(struct text data, struct arena *arena)
{
    if (!data.ptr)
        return data;
    return left_of(without_space(text_plain(data, arena), arena), data, arena);
}

/* S with %41 as A, in the arena; what is no escape stays. */
static struct span without_percents(struct span s, struct arena *arena)
{
    char *to;
    size_t len = 0;

    if (!holds(s, '%'))
        return s;
    to = arena_take_text(arena, s.len);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '%' && s.len - i > 2 && hex_digit(s.ptr[i + 1]) >= 0 &&
            hex_digit(s.ptr[i + 2]) >= 0) {
            to[len++] = (char)(hex_digit(s.ptr[i + 1]) * 16 + hex_digit(s.ptr[i + 2]));
            i += 2;
        } else {
            to[len++] = s.ptr[i];
        }
    }
    return span_of(to, len);
}

static struct text in_base64(struct span bytes, struct arena *arena)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    (void)encode_base64(bytes, &out);
    return as_text(arena_copy(arena, buffer_span(&out)));
}

struct text media_encode_words(struct text words, struct arena *arena)
{
    return in_base64(text_plain(words, arena), arena);
}

struct text media_decode_words(struct text base64, struct arena *arena)
{
    struct buffer out _buffer_;

    buffer_init(&out, base64.len);
    if (!decode_base64(without_space(text_plain(base64, arena), arena), &out))
        return TEXT_NONE;
    return text_escape(arena_copy(arena, buffer_span(&out)), arena);
}

/* ---- addresses ------------------------------------------------------------------------- */

/* URL without "data:". Before the comma stand a type, parameters, perhaps ";base64" last. */
static bool read_data_url(struct span url, struct text source, struct arena *arena,
                          struct media *ret)
{
    struct span data = url, head;
    size_t mark;
    bool base64;

    if (!span_cut(&data, ',', &head) || !data.ptr)
        return false;
    mark = head.len - strlen(";base64");
    base64 =
        head.len >= strlen(";base64") && span_eq_nocase(span_skip(head, mark), SPAN(";base64"));
    if (base64)
        head.len = mark;
    ret->form = MEDIA_DATA;
    ret->type = media_type_clean(text_escape(head, arena), arena);
    if (ret->type.len == 0)
        ret->type = TEXT("text/plain");
    data = without_percents(data, arena);
    ret->data =
        base64 ? left_of(without_space(data, arena), source, arena) : in_base64(data, arena);
    return true;
}

bool media_read_address(struct text address, struct arena *arena, struct media *ret)
{
    struct span rest = inside(address);

    if (holds(rest, '\\'))
        rest = text_plain(address, arena);
    if (starts_nocase(rest, SPAN("data:")))
        return read_data_url(span_skip(rest, strlen("data:")), address, arena, ret);
    if (!starts_nocase(rest, SPAN("http://")) && !starts_nocase(rest, SPAN("https://")) &&
        !starts_nocase(rest, SPAN("gs://")))
        return false;
    ret->form = MEDIA_URL;
    ret->type = media_type_of_name(address);
    ret->data = address;
    return true;
}

void media_write_address(struct json_writer *json, const struct media *media)
{
    char head[256];
    struct span type = inside(media->type);
    size_t len = 0;

    if (media->form != MEDIA_DATA) {
        text_write(json, media->data);
        return;
    }
    if (type.len > sizeof(head) - strlen("data:;base64,"))
        type = SPAN_NONE;
    memcpy(head, "data:", 5);
    len = 5;
    if (type.len > 0)
        memcpy(head + len, type.ptr, type.len);
    len += type.len;
    memcpy(head + len, ";base64,", 8);
    json_write_inside_two(json, span_of(head, len + 8), inside(media->data));
}
