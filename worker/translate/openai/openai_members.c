#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

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
