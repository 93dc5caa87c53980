#include "worker/translate/members.h"

#include "shared/base/check.h"

bool key_is(struct span key, struct span name)
{
    return span_eq(key, name) || (key.len > name.len && json_inside_is(key, name));
}

/* Keeps VALUE where KEYS has its KEY; false when it has not. Hardly anybody spells a name with
 * escapes. */
static bool keep(const struct span *keys, unsigned count, struct span key,
                 struct json_value value, struct json_value *values)
{
    bool escaped = key.len > 0 && memchr(key.ptr, '\\', key.len);
    unsigned i = 0;

    while (i < count && !(escaped ? json_inside_is(key, keys[i]) : span_eq(key, keys[i])))
        i++;
    if (i < count && values[i].kind == JSON_ABSENT && value.kind != JSON_NULL)
        values[i] = value;
    return i < count;
}

void pick_members(struct json_value object, const struct span *keys, unsigned count,
                  struct json_value *values)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span key;

    memset(values, 0, count * sizeof(*values));
    if (object.kind != JSON_OBJECT)
        return;
    while (json_next(&walk, &key, &value))
        (void)keep(keys, count, key, value, values);
}

bool pick_unchecked(struct span object, const struct span *keys, unsigned count,
                    struct json_value *values)
{
    struct json_pick picks[PICK_MEMBERS_MAX];
    struct json_error error;
    size_t open;
    bool empty;

    CHECK(count <= PICK_MEMBERS_MAX);
    for (unsigned i = 0; i < count; i++)
        picks[i] = (struct json_pick){.key = keys[i]};
    if (!json_pick(object, picks, count, &open, &empty, &error))
        return false;
    for (unsigned i = 0; i < count; i++) {
        values[i] = picks[i].value;
        if (values[i].kind == JSON_NULL)
            values[i].kind = JSON_ABSENT;
    }
    return true;
}

bool take_members(struct translation *t, const struct path *path, struct json_value object,
                  const struct span *keys, unsigned count, struct json_value *values)
{
    struct json_walk walk = json_walk(object);
    struct path here = {.up = path};
    struct json_value value;

    memset(values, 0, count * sizeof(*values));
    if (object.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    while (json_next(&walk, &here.key, &value))
        if (!keep(keys, count, here.key, value, values) && value.kind != JSON_NULL)
            drop_at(t, &here);
    return true;
}

bool word_value(const struct word *table, unsigned count, struct json_value word, uint8_t *ret)
{
    for (unsigned i = 0; word.kind == JSON_STRING && i < count; i++) {
        if (json_text_eq(word, table[i].text)) {
            *ret = table[i].value;
            return true;
        }
    }
    return false;
}

struct span word_text(const struct word *table, unsigned count, uint8_t value)
{
    for (unsigned i = 0; i < count; i++)
        if (table[i].value == value)
            return table[i].text;
    return SPAN_NONE;
}

bool read_string(struct translation *t, const struct path *path, struct json_value value,
                 struct text *ret)
{
    if (value.kind != JSON_STRING)
        return refuse(t, path, "must be a string");
    *ret = text_of(value);
    return true;
}

bool read_known(struct translation *t, const struct path *path, struct span key,
                struct json_value value, struct text *ret)
{
    struct path here = {.up = path, .key = key};

    return value.kind == JSON_ABSENT || read_string(t, &here, value, ret);
}

bool read_bool(struct translation *t, const struct path *path, struct json_value value,
               uint8_t *ret_maybe)
{
    if (value.kind != JSON_TRUE && value.kind != JSON_FALSE)
        return refuse(t, path, "must be true or false");
    *ret_maybe = value.kind == JSON_TRUE ? MAYBE_TRUE : MAYBE_FALSE;
    return true;
}

bool read_maybe(struct translation *t, const struct path *path, struct span key,
                struct json_value value, uint8_t *ret_maybe)
{
    struct path here = {.up = path, .key = key};

    return value.kind == JSON_ABSENT || read_bool(t, &here, value, ret_maybe);
}
