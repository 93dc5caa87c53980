#include "worker/cache/request_key.h"

#include <stdlib.h>

#include "shared/cache/cache.h"

/* ---- the canonical form ------------------------------------------------------------------ */

static int compare_members(const void *left, const void *right)
{
    const struct request_member *a = left, *b = right;
    size_t len = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = len > 0 ? memcmp(a->key.ptr, b->key.ptr, len) : 0;

    if (order == 0)
        order = (a->key.len > b->key.len) - (a->key.len < b->key.len);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

static void sort_members(struct request_member *members, size_t count)
{
    if (count > MEMBERS_FEW) {
        qsort(members, count, sizeof(members[0]), compare_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct request_member member = members[i];
        size_t at = i;

        for (; at > 0 && compare_members(&members[at - 1], &member) > 0; at--)
            members[at] = members[at - 1];
        members[at] = member;
    }
}

/* The first SIZE of them into MEMBERS; how many there are. */
static size_t read_members(struct json_value object, struct request_member *members,
                           size_t size)
{
    struct json_walk walk = json_walk(object);
    struct request_member member = {.at = 0};

    while (json_next(&walk, &member.key, &member.value)) {
        if (member.at < size)
            members[member.at] = member;
        member.at++;
    }
    return member.at;
}

void request_members_read(struct json_value object, struct arena *arena,
                          struct request_members *ret)
{
    ret->rows = ret->few;
    ret->count = object.kind == JSON_OBJECT ? read_members(object, ret->few, MEMBERS_FEW) : 0;
    if (ret->count <= MEMBERS_FEW)
        return;
    ret->rows = ARENA_ARRAY(arena, ret->count, struct request_member);
    (void)read_members(object, ret->rows, ret->count);
}

static bool is_left_out(struct span key, uint32_t distinguish)
{
    uint32_t bit = cache_member_bit(key);

    return (bit != 0 && !(distinguish & bit)) || span_eq(key, SPAN("model")) ||
           span_eq(key, SPAN("stream"));
}

static bool write_value(struct json_value value, unsigned depth, struct arena *arena,
                        struct buffer *out);

static bool write_member(const struct request_member *member, unsigned depth,
                         struct arena *arena, struct buffer *out)
{
    if (out->ptr[out->len - 1] != '{')
        (void)buffer_append_byte(out, ',');
    (void)buffer_append_byte(out, '"');
    (void)buffer_append(out, member->key);
    (void)buffer_append(out, SPAN("\":"));
    return write_value(member->value, depth, arena, out);
}

/* TOP: with the members that do not count left out. */
static bool write_members(struct request_members *members, unsigned depth, const uint32_t *top,
                          struct arena *arena, struct buffer *out)
{
    sort_members(members->rows, members->count);
    if (!buffer_append_byte(out, '{'))
        return false;
    for (size_t i = 0; i < members->count; i++)
        if (!(top && is_left_out(members->rows[i].key, *top)) &&
            !write_member(&members->rows[i], depth, arena, out))
            return false;
    return buffer_append_byte(out, '}');
}

static bool write_object(struct json_value object, unsigned depth, struct arena *arena,
                         struct buffer *out)
{
    struct request_members members;

    request_members_read(object, arena, &members);
    return write_members(&members, depth, NULL, arena, out);
}

static bool write_array(struct json_value array, unsigned depth, struct arena *arena,
                        struct buffer *out)
{
    struct json_walk walk = json_walk(array);
    struct json_value item;
    const char *between = "";

    (void)buffer_append_byte(out, '[');
    while (json_next(&walk, NULL, &item)) {
        (void)buffer_append(out, span_of_text(between));
        if (!write_value(item, depth, arena, out))
            return false;
        between = ",";
    }
    return buffer_append_byte(out, ']');
}

static bool write_value(struct json_value value, unsigned depth, struct arena *arena,
                        struct buffer *out)
{
    if (depth == REQUEST_KEY_DEPTH)
        return false;
    if (value.kind == JSON_OBJECT)
        return write_object(value, depth + 1, arena, out);
    if (value.kind == JSON_ARRAY)
        return write_array(value, depth + 1, arena, out);
    return buffer_append(out, value.raw);
}

bool request_canonical(struct request_members *members, uint32_t distinguish,
                       struct arena *arena, struct buffer *out)
{
    return write_members(members, 0, &distinguish, arena, out);
}

/* ---- the key ----------------------------------------------------------------------------- */

/* With its length before it, so that no two lists of texts look alike. */
static void add_text(struct buffer *out, struct span text)
{
    (void)buffer_append_u64(out, text.len);
    (void)buffer_append_byte(out, ':');
    if (text.len > 0)
        (void)buffer_append(out, text);
}

static void add_owner(struct buffer *out, const struct request_identity *identity)
{
    bool alone = identity->own || identity->tenant == 0;

    (void)buffer_append(out, alone ? SPAN("key ") : SPAN("tenant "));
    if (alone)
        add_text(out, identity->key_id);
    else
        (void)buffer_append_u64(out, identity->tenant);
    (void)buffer_append_byte(out, '\n');
}

/* What a client may say to the provider outside the body. */
static void add_head(struct buffer *out, const struct head *head)
{
    add_text(out, span_of_text(operation_row(head->operation)->name));
    (void)buffer_append(out, head->sse ? SPAN("sse\n") : SPAN("\n"));
    for (unsigned i = 0; i < head->forwarded_count; i++) {
        add_text(out, head->forwarded[i].name);
        add_text(out, head->forwarded[i].value);
    }
}

bool request_key_make(const struct request_identity *identity, struct request_members *body,
                      struct arena *arena, struct buffer *text, uint8_t ret[SHA256_SIZE])
{
    buffer_clear(text);
    text->failed = false;
    add_owner(text, identity);
    add_head(text, identity->head);
    (void)buffer_append(text, identity->strict ? SPAN("strict ") : SPAN("- "));
    (void)buffer_append(text, identity->stream ? SPAN("stream\n") : SPAN("-\n"));
    add_text(text, identity->model);
    add_text(text, identity->targets);
    if (!request_canonical(body, identity->distinguish, arena, text) || text->failed)
        return false;
    hash_sha256(buffer_span(text), ret);
    return true;
}
