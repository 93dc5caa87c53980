#include "worker/memory/memory.h"

#define ID_BYTES 64

bool memory_is_id(struct span id)
{
    struct span prefix = SPAN("resp_");

    if (!span_starts(id, prefix) || id.len == prefix.len || id.len > ID_BYTES)
        return false;
    for (size_t i = prefix.len; i < id.len; i++) {
        char letter = (char)(id.ptr[i] | 0x20);

        if (!(letter >= 'a' && letter <= 'z') && !(id.ptr[i] >= '0' && id.ptr[i] <= '9'))
            return false;
    }
    return true;
}

bool memory_read(struct span file, struct span owner, struct memory *ret)
{
    struct json_pick picks[] = {
        {.key = SPAN("version")},
        {.key = SPAN("owner")},
        {.key = SPAN("input")},
        {.key = SPAN("response")},
    };
    struct json_error error;
    uint64_t version;
    size_t open;
    bool empty;

    *ret = (struct memory){.input = {.kind = JSON_ABSENT}};
    if (!json_pick(file, picks, 4, &open, &empty, &error) ||
        !json_u64(picks[0].value, &version) || version != 1 ||
        picks[1].value.kind != JSON_STRING || !json_text_eq(picks[1].value, owner) ||
        picks[2].value.kind != JSON_ARRAY || picks[3].value.kind != JSON_OBJECT)
        return false;
    ret->input = picks[2].value;
    ret->response = picks[3].value;
    return true;
}

/* ---- lists of items ---------------------------------------------------------------------- */

static void write_list(struct json_value list, struct json_writer *json)
{
    struct json_walk walk = json_walk(list);
    struct json_value item;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item))
        json_write_raw(json, item.raw);
}

/* A plain text is the message that it stands for. */
static void write_input(struct json_value input, struct json_writer *json)
{
    if (input.kind != JSON_STRING) {
        write_list(input, json);
        return;
    }
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("message"));
    json_write_member_text(json, SPAN("role"), SPAN("user"));
    json_write_key(json, SPAN("content"));
    json_write_array(json);
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("input_text"));
    json_write_key(json, SPAN("text"));
    json_write_raw(json, input.raw);
    json_write_object_end(json);
    json_write_array_end(json);
    json_write_object_end(json);
}

bool memory_write(struct span owner, struct json_value body, struct json_value response,
                  struct buffer *out)
{
    struct json_writer json;

    json_write_init(&json, out);
    json_write_object(&json);
    json_write_member_u64(&json, SPAN("version"), 1);
    json_write_member_text(&json, SPAN("owner"), owner);
    json_write_key(&json, SPAN("input"));
    json_write_array(&json);
    write_input(json_member(body, SPAN("input")), &json);
    json_write_array_end(&json);
    json_write_key(&json, SPAN("response"));
    json_write_raw(&json, response.raw);
    json_write_object_end(&json);
    return !out->failed;
}

static void write_key(struct span escaped, struct buffer *out)
{
    (void)buffer_append_byte(out, '"');
    (void)buffer_append(out, escaped);
    (void)buffer_append(out, SPAN("\":"));
}

bool memory_expand(struct json_value body, const struct memory *previous, struct buffer *out)
{
    struct json_walk walk = json_walk(body);
    struct json_value value;
    struct json_writer json;
    struct span key;

    (void)buffer_append(out, SPAN("{\"input\":"));
    json_write_init(&json, out);
    json_write_array(&json);
    write_list(previous->input, &json);
    write_list(json_member(previous->response, SPAN("output")), &json);
    write_input(json_member(body, SPAN("input")), &json);
    json_write_array_end(&json);
    while (json_next(&walk, &key, &value)) {
        if (json_inside_is(key, SPAN("input")) ||
            json_inside_is(key, SPAN("previous_response_id")))
            continue;
        (void)buffer_append_byte(out, ',');
        write_key(key, out);
        (void)buffer_append(out, value.raw);
    }
    return buffer_append_byte(out, '}');
}

/* ---- streams ----------------------------------------------------------------------------- */

struct json_value memory_of_records(struct span records)
{
    struct json_pick picks[] = {{.key = SPAN("response")}};
    struct span line, data = SPAN_NONE;
    struct json_error error;
    size_t open;
    bool empty;

    while (span_cut(&records, '\n', &line))
        if (span_starts(line, SPAN("data: ")))
            data = span_skip(line, 6);
    if (!data.ptr || !json_pick(data, picks, 1, &open, &empty, &error) ||
        picks[0].value.kind != JSON_OBJECT)
        return (struct json_value){.kind = JSON_ABSENT};
    return picks[0].value;
}
