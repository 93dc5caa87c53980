/* What files are, by their first bytes. */
#include "shared/base/check.h"

#include "worker/translate/remote.h"

/* The first bytes of a file; a '?' is any byte. */
static const struct {
    struct span bytes, type;
} signs[] = {
    {WORD("\x89PNG\r\n\x1a\n"), WORD("image/png")},
    {WORD("\xff\xd8\xff"), WORD("image/jpeg")},
    {WORD("GIF87a"), WORD("image/gif")},
    {WORD("GIF89a"), WORD("image/gif")},
    {WORD("RIFF????WEBP"), WORD("image/webp")},
    {WORD("%PDF-"), WORD("application/pdf")},
    {WORD("RIFF????WAVE"), WORD("audio/wav")},
    {WORD("ID3"), WORD("audio/mpeg")},
    {WORD("\xff\xfb"), WORD("audio/mpeg")},
    {WORD("\xff\xf3"), WORD("audio/mpeg")},
    {WORD("\xff\xf2"), WORD("audio/mpeg")},
};

static bool begins_as(struct span bytes, struct span sign)
{
    if (bytes.len < sign.len)
        return false;
    for (size_t i = 0; i < sign.len; i++)
        if (sign.ptr[i] != '?' && sign.ptr[i] != bytes.ptr[i])
            return false;
    return true;
}

/* "image" of "image/png; x=y". */
static struct span class_of(struct span type)
{
    struct span rest = type, first = SPAN(""), name = SPAN("");

    (void)span_cut(&rest, ';', &first);
    (void)span_cut(&first, '/', &name);
    return span_trim(name);
}

/* Servers that do not know what they have say nothing, or one of these. */
static bool says_nothing(struct span declared)
{
    static const struct span words[] = {WORD("application/octet-stream"),
                                        WORD("binary/octet-stream")};
    struct span rest = declared, name = SPAN("");

    (void)span_cut(&rest, ';', &name);
    name = span_trim(name);
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq_nocase(name, words[i]))
            return true;
    return name.len == 0;
}

struct span remote_type(struct span beginning, struct span declared)
{
    struct span type = SPAN_NONE;

    for (unsigned i = 0; i < ARRAY_LEN(signs) && !type.ptr; i++)
        if (begins_as(beginning, signs[i].bytes))
            type = signs[i].type;
    if (!type.ptr || says_nothing(declared) ||
        span_eq_nocase(class_of(type), class_of(declared)))
        return type;
    return SPAN_NONE;
}

bool remote_fits(struct span type, enum block_kind kind)
{
    if (kind == BLOCK_image)
        return span_starts(type, SPAN("image/"));
    if (kind == BLOCK_audio)
        return span_starts(type, SPAN("audio/"));
    return kind != BLOCK_document || span_eq(type, SPAN("application/pdf"));
}
