#include "shared/text/json.h"
#include "shared/text/json_bytes.h"
#include "shared/text/json_scan.h"

/* All text here was accepted by json_check or json_pick, so structure is followed and nothing
 * is judged; every step still stays inside the span. */

/* AT stands after an opening quote; returns the place after the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    for (;;) {
        at = json_quote_end(at, end);
        if (at == end)
            return end;
        if (*at == '"')
            return at + 1;
        if (end - at < 2)
            return end;
        at += 2;
    }
}

static const char *skip_container(const char *at, const char *end)
{
    unsigned depth = 0;

    while (at < end) {
        char c = *at++;

        if (c == '"')
            at = skip_string(at, end);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
    return end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at == end)
        return end;
    if (*at == '"')
        return skip_string(at + 1, end);
    if (*at == '{' || *at == '[')
        return skip_container(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !json_is_space(*at))
        at++;
    return at;
}

struct json_walk json_walk(struct json_value container)
{
    bool walks = (container.kind == JSON_OBJECT || container.kind == JSON_ARRAY) &&
                 container.raw.len >= 2;

    if (!walks)
        return (struct json_walk){.at = "", .end = ""};
    return (struct json_walk){
        .at = container.raw.ptr + 1,
        .end = container.raw.ptr + container.raw.len - 1,
        .object = container.kind == JSON_OBJECT,
    };
}

/* At the name of a member; moves to its value. */
static struct span walk_name(struct json_walk *walk)
{
    const char *name = walk->at + 1;
    const char *after = skip_string(name, walk->end);

    walk->at = json_space_end(after, walk->end);
    if (walk->at < walk->end && *walk->at == ':')
        walk->at = json_space_end(walk->at + 1, walk->end);
    return span_of(name, after > name ? (size_t)(after - name) - 1 : 0);
}

bool json_next(struct json_walk *walk, struct span *ret_key, struct json_value *ret_value)
{
    struct span key = SPAN_NONE;
    const char *value;

    walk->at = json_space_end(walk->at, walk->end);
    if (walk->at < walk->end && *walk->at == ',')
        walk->at = json_space_end(walk->at + 1, walk->end);
    if (walk->at == walk->end)
        return false;
    if (walk->object)
        key = walk_name(walk);
    if (walk->at == walk->end)
        return false;
    value = walk->at;
    walk->at = skip_value(value, walk->end);
    if (ret_key)
        *ret_key = key;
    ret_value->kind = json_kind_of(*value);
    ret_value->raw = span_of(value, (size_t)(walk->at - value));
    return true;
}

struct json_value json_member(struct json_value object, struct span key)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span name;

    if (object.kind != JSON_OBJECT)
        return (struct json_value){.kind = JSON_ABSENT};
    while (json_next(&walk, &name, &value)) {
        if (json_inside_is(name, key))
            return value;
    }
    return (struct json_value){.kind = JSON_ABSENT};
}

bool json_u64(struct json_value number, uint64_t *ret)
{
    return number.kind == JSON_NUMBER && span_read_u64(number.raw, ret);
}
