#include "worker/translate/members.h"

#include "shared/base/check.h"

#define KEYS_LIMIT 64 /* of a list of members */

/* The place of KEY in KEYS, or COUNT. Hardly anybody spells a name with escapes. */
static unsigned find_key(const struct span *keys, unsigned count, struct span key)
{
    unsigned i = 0;

    while (i < count && !span_eq(keys[i], key))
        i++;
    if (i == count && key.len > 0 && memchr(key.ptr, '\\', key.len))
        for (i = 0; i < count && !json_inside_is(key, keys[i]); i++) {
        }
    return i;
}

void pick_members(struct json_value object, const struct span *keys, unsigned count,
                  struct json_value *values)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span key;

    CHECK(count <= KEYS_LIMIT);
    memset(values, 0, count * sizeof(*values));
    if (object.kind != JSON_OBJECT)
        return;
    while (json_next(&walk, &key, &value)) {
        unsigned i = value.kind == JSON_NULL ? count : find_key(keys, count, key);

        if (i < count)
            values[i] = value;
    }
}

bool take_members(struct translation *t, const struct path *path, struct json_value object,
                  const struct span *keys, unsigned count, struct json_value *values)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span key;

    CHECK(count <= KEYS_LIMIT);
    memset(values, 0, count * sizeof(*values));
    if (object.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    while (json_next(&walk, &key, &value)) {
        struct path here = {.up = path, .key = key};
        unsigned i = value.kind == JSON_NULL ? count : find_key(keys, count, key);

        if (i < count)
            values[i] = value;
        else if (value.kind != JSON_NULL)
            drop_at(t, &here);
    }
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

bool read_known(struct translation *t, const struct path *path, const char *key,
                struct json_value value, struct text *ret)
{
    struct path here = {.up = path, .key = span_of_text(key)};

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

bool read_maybe(struct translation *t, const struct path *path, const char *key,
                struct json_value value, uint8_t *ret_maybe)
{
    struct path here = {.up = path, .key = span_of_text(key)};

    return value.kind == JSON_ABSENT || read_bool(t, &here, value, ret_maybe);
}
