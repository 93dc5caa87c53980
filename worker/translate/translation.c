#include "worker/translate/translation.h"

#include "shared/base/check.h"

#include "worker/translate/dialect.h"

#define PATH_LIMIT    1024
#define MESSAGE_LIMIT 2048

void translation_init(struct translation *translation, struct arena *arena, uint64_t seed,
                      uint64_t now)
{
    *translation = (struct translation){.arena = arena, .seed = seed, .now = now};
    translation_forget_names(translation);
}

void translation_forget_names(struct translation *translation)
{
    translation->tools = translation->calls = (struct renames){.seed = translation->seed};
}

/* ---- places ---------------------------------------------------------------------------- */

static void append_path(struct buffer *out, const struct path *path)
{
    if (!path)
        return;
    append_path(out, path->up);
    if (path->key.ptr) {
        if (out->len > 0)
            (void)buffer_append_byte(out, '.');
        (void)buffer_append(out, path->key);
    } else {
        (void)buffer_append_byte(out, '[');
        (void)buffer_append_u64(out, path->index);
        (void)buffer_append_byte(out, ']');
    }
}

struct span path_text(const struct path *path, struct arena *arena)
{
    struct buffer out _buffer_;

    buffer_init(&out, PATH_LIMIT);
    append_path(&out, path);
    return arena_copy(arena, buffer_span(&out));
}

/* ---- refusals -------------------------------------------------------------------------- */

bool refuse_as(struct translation *translation, enum complaint_kind kind,
               const struct path *path, const char *why)
{
    struct span place = path_text(path, translation->arena);
    struct buffer message _buffer_;

    buffer_init(&message, MESSAGE_LIMIT);
    if (place.len > 0)
        (void)buffer_append_format(&message, "'%.*s' %s.", SPAN_ARG(place), why);
    else
        (void)buffer_append_format(&message, "The request %s.", why);
    translation->refusal = (struct complaint){
        .kind = (uint8_t)kind,
        .message = text_escape(arena_copy(translation->arena, buffer_span(&message)),
                               translation->arena),
        .param = place.len > 0 ? text_escape(place, translation->arena) : TEXT_NONE,
    };
    return false;
}

bool refuse(struct translation *translation, const struct path *path, const char *why)
{
    return refuse_as(translation, COMPLAINT_bad_request, path, why);
}

/* ---- what is left out ------------------------------------------------------------------ */

void drop(struct translation *translation, struct span path)
{
    struct dropped *dropped;

    if (translation->dropped_count == DROPPED_MAX)
        return;
    for (dropped = translation->dropped; dropped; dropped = dropped->next)
        if (span_eq(dropped->path, path))
            return;
    dropped = ARENA_NEW(translation->arena, struct dropped);
    dropped->path = path;
    if (translation->last_dropped)
        translation->last_dropped->next = dropped;
    else
        translation->dropped = dropped;
    translation->last_dropped = dropped;
    translation->dropped_count++;
}

void drop_at(struct translation *translation, const struct path *path)
{
    if (translation->dropped_count < DROPPED_MAX)
        drop(translation, path_text(path, translation->arena));
}

/* Whether VALUE asks for what happens anyway: no loss when it is not said. */
static bool is_default(enum chat_field field, struct json_value value)
{
    if (field == CHAT_choice_count)
        return span_eq(value.raw, SPAN("1"));
    if (field == CHAT_presence_penalty || field == CHAT_frequency_penalty)
        return span_eq(value.raw, SPAN("0"));
    if (field == CHAT_store || field == CHAT_logprobs || field == CHAT_background)
        return value.kind == JSON_FALSE;
    return false;
}

void drop_strangers(struct translation *translation, const struct chat *chat,
                    enum dialect_id to)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;

        if (chat_has(chat, field) && !chat_field_known(field, to) &&
            !is_default(field, chat->fields[i]))
            drop(translation, chat_field_name(field, chat->dialect));
    }
    if (chat->dialect == to)
        return;
    for (const struct extra *extra = chat->extras; extra; extra = extra->next)
        drop(translation, extra->key);
}

struct span dropped_list(const struct translation *translation, size_t limit)
{
    struct buffer out _buffer_;

    buffer_init(&out, limit);
    for (const struct dropped *at = translation->dropped; at; at = at->next) {
        if (at->path.len + 2 > limit - out.len)
            break;
        if (out.len > 0)
            (void)buffer_append(&out, SPAN(", "));
        (void)buffer_append(&out, at->path);
    }
    if (translation->dropped_count == DROPPED_MAX)
        (void)buffer_append(&out, SPAN(", ..."));
    return out.len > 0 ? arena_copy(translation->arena, buffer_span(&out)) : SPAN_NONE;
}
