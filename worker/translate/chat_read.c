#include "worker/translate/chat_read.h"

#include "shared/base/check.h"

/* ---- settings ---------------------------------------------------------------------------- */

bool chat_read_nothing(struct chat_reading *reading, const struct path *path,
                       struct json_value value)
{
    (void)reading, (void)path, (void)value;
    return true;
}

bool chat_read_stream(struct chat_reading *reading, const struct path *path,
                      struct json_value value)
{
    uint8_t maybe = MAYBE_ABSENT;

    if (!read_bool(reading->t, path, value, &maybe))
        return false;
    reading->chat->stream = maybe == MAYBE_TRUE;
    return true;
}

bool chat_read_parallel(struct chat_reading *reading, const struct path *path,
                        struct json_value value)
{
    return read_bool(reading->t, path, value, &reading->chat->parallel);
}

bool chat_read_service_tier(struct chat_reading *reading, const struct path *path,
                            struct json_value value)
{
    return chat_read_field(reading, path, CHAT_service_tier, KIND(STRING), value);
}

bool chat_read_list(struct chat_reading *reading, const struct path *path,
                    struct json_value value, read_setting_f *read_item)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value inner;

    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (; json_next(&walk, NULL, &inner); item.index++)
        if (!read_item(reading, &item, inner))
            return false;
    return true;
}

bool chat_read_format_type(struct chat_reading *reading, const struct path *path,
                           struct json_value type)
{
    static const struct word types[] = {
        {WORD("text"), FORMAT_TEXT},
        {WORD("json_object"), FORMAT_JSON},
        {WORD("json_schema"), FORMAT_SCHEMA},
    };
    struct path here = {.up = path, .key = SPAN("type")};

    return word_value(types, ARRAY_LEN(types), type, &reading->chat->format.kind) ||
           refuse(reading->t, &here, "must be text, json_object or json_schema");
}

/* ---- fields ------------------------------------------------------------------------------ */

static const char *kinds_text(unsigned kinds)
{
    if (kinds & KIND(NUMBER))
        return "must be a number";
    if (kinds & KIND(STRING))
        return "must be a string";
    if (kinds & KIND(ARRAY))
        return "must be an array";
    return kinds & KIND(OBJECT) ? "must be an object" : "must be true or false";
}

bool chat_read_field(struct chat_reading *reading, const struct path *path,
                     enum chat_field field, unsigned kinds, struct json_value value)
{
    if (kinds != 0 && !(kinds & 1U << value.kind))
        return refuse(reading->t, path, kinds_text(kinds));
    reading->chat->fields[field] = value;
    return true;
}

/* ---- the outermost object ---------------------------------------------------------------- */

static void add_extra(struct chat_reading *reading, struct span key, struct json_value value)
{
    struct extra *extra = ARENA_NEW(reading->arena, struct extra);

    *extra = (struct extra){.key = key, .value = value};
    *reading->next_extra = extra;
    reading->next_extra = &extra->next;
}

static bool read_member(struct chat_reading *reading, const struct chat_form *form,
                        struct span key, struct json_value value)
{
    struct path path = {.key = key};

    for (unsigned i = 0; i < form->setting_count; i++)
        if (span_eq(key, form->settings[i].key))
            return form->settings[i].read(reading, &path, value);
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;
        struct span name = chat_field_plain(field, form->dialect);

        if (name.len > 0 && span_eq(key, name))
            return chat_read_field(reading, &path, field, form->field_kinds[i], value);
    }
    add_extra(reading, key, value);
    return true;
}

bool chat_read(struct translation *t, const struct chat_form *form, struct json_value body,
               struct chat *ret)
{
    struct chat_reading reading = {
        .t = t, .arena = t->arena, .chat = ret, .next_extra = &ret->extras};
    struct json_walk walk = json_walk(body);
    struct json_value value;
    struct span key;

    ret->dialect = (uint8_t)form->dialect;
    while (json_next(&walk, &key, &value)) {
        if (key.len > 0 && memchr(key.ptr, '\\', key.len))
            key = json_inside_text(key, t->arena);
        if (value.kind != JSON_NULL && !read_member(&reading, form, key, value))
            return false;
    }
    return true;
}
