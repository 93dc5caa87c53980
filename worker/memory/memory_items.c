/* What clients read of it: lists of items. */
#include "worker/memory/memory.h"

#define ID_TEXT_BYTES 32

static struct span make_item_id(size_t place, struct arena *arena)
{
    struct buffer made _buffer_;

    buffer_init(&made, ID_TEXT_BYTES);
    (void)buffer_append(&made, SPAN("item_"));
    (void)buffer_append_u64(&made, place);
    return arena_copy(arena, buffer_span(&made));
}

/* An item's own id, or the one that stands for its place. */
static struct span item_id(struct json_value item, size_t place, struct arena *arena)
{
    struct json_value id = json_member(item, SPAN("id"));

    return id.kind == JSON_STRING ? json_text(id, arena) : make_item_id(place, arena);
}

static void write_item(struct json_value item, struct span id, struct arena *arena,
                       struct json_writer *json)
{
    struct json_walk walk = json_walk(item);
    struct json_value value;
    struct span key;

    if (item.kind != JSON_OBJECT) {
        json_write_raw(json, item.raw);
        return;
    }
    json_write_object(json);
    json_write_member_text(json, SPAN("id"), id);
    while (json_next(&walk, &key, &value)) {
        if (json_inside_is(key, SPAN("id")))
            continue;
        json_write_key(json, json_inside_text(key, arena));
        json_write_raw(json, value.raw);
    }
    json_write_object_end(json);
}

struct list {
    struct json_value *items;
    struct span *ids;
    size_t count;
};

static struct list list_of(struct json_value input, struct arena *arena)
{
    struct json_walk walk = json_walk(input);
    struct list list = {.count = 0};
    struct json_value item;

    while (json_next(&walk, NULL, &item))
        list.count++;
    list.items = ARENA_ARRAY(arena, list.count + 1, struct json_value);
    list.ids = ARENA_ARRAY(arena, list.count + 1, struct span);
    walk = json_walk(input);
    for (size_t i = 0; json_next(&walk, NULL, &item); i++) {
        list.items[i] = item;
        list.ids[i] = item_id(item, i, arena);
    }
    return list;
}

/* The place of the I-th item in the order that was asked for. */
static size_t place_of(const struct list *list, const struct memory_page *page, size_t i)
{
    return page->ascending ? i : list->count - 1 - i;
}

static size_t first_of(const struct list *list, const struct memory_page *page)
{
    if (!page->after.ptr)
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (span_eq(list->ids[place_of(list, page, i)], page->after))
            return i + 1;
    return list->count;
}

void memory_write_items(const struct memory *memory, const struct memory_page *page,
                        struct arena *arena, struct json_writer *json)
{
    struct list list = list_of(memory->input, arena);
    size_t at = first_of(&list, page), end = at;
    struct span first = SPAN_NONE, last = SPAN_NONE;

    json_write_object(json);
    json_write_member_text(json, SPAN("object"), SPAN("list"));
    json_write_key(json, SPAN("data"));
    json_write_array(json);
    for (; end < list.count && end - at < page->limit; end++) {
        size_t place = place_of(&list, page, end);

        last = list.ids[place];
        first = first.ptr ? first : last;
        write_item(list.items[place], last, arena, json);
    }
    json_write_array_end(json);
    json_write_member_text(json, SPAN("first_id"), first);
    json_write_member_text(json, SPAN("last_id"), last);
    json_write_member_bool(json, SPAN("has_more"), end < list.count);
    json_write_object_end(json);
}

void memory_write_deleted(struct span id, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("id"), id);
    json_write_member_text(json, SPAN("object"), SPAN("response.deleted"));
    json_write_member_bool(json, SPAN("deleted"), true);
    json_write_object_end(json);
}
