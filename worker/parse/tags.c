#include "worker/parse/tags.h"

static bool is_tag(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              memchr("._:/-", c, 5)))
            return false;
    }
    return text.len > 0 && text.len <= TAG_BYTES_MAX;
}

static bool has_tag(const struct tags *tags, struct span tag)
{
    for (unsigned i = 0; i < tags->count; i++)
        if (span_eq(tags->names[i], tag))
            return true;
    return false;
}

bool tags_add(struct tags *tags, struct span list, struct arena *arena)
{
    struct span tag;
    bool good = true;

    if (span_trim(list).len == 0)
        return true;
    while (span_cut(&list, ',', &tag)) {
        tag = span_trim(tag);
        if (has_tag(tags, tag))
            continue;
        if (is_tag(tag) && tags->count < TAGS_MAX)
            tags->names[tags->count++] = arena_copy(arena, tag);
        else
            good = false;
    }
    return good;
}
