#include "worker/translate/call.h"

#include "shared/base/buffer.h"

static struct span inside(struct text text)
{
    return span_of(text.ptr, text.len);
}

/* {"KEY":"TEXT"}: the text is escaped already. */
static struct span wrapped(struct span key, struct text text, struct arena *arena)
{
    struct buffer out _buffer_;
    struct json_writer json;

    buffer_init(&out, text.len + key.len + 16);
    json_write_init(&json, &out);
    json_write_object(&json);
    json_write_key(&json, key);
    json_write_inside(&json, inside(text));
    json_write_object_end(&json);
    return arena_copy(arena, buffer_span(&out));
}

bool call_input(const struct block *call, struct arena *arena, struct span *ret_object)
{
    struct json_value value = call->input;
    struct json_error error;

    *ret_object = SPAN("{}");
    if (call->custom && call->arguments.ptr) {
        *ret_object = wrapped(SPAN("input"), call->arguments, arena);
        return true;
    }
    if (value.kind == JSON_ABSENT && !text_blank(call->arguments) &&
        !json_check(text_plain(call->arguments, arena), &value, &error)) {
        *ret_object = wrapped(SPAN("_raw"), call->arguments, arena);
        return false;
    }
    if (value.kind == JSON_ABSENT || value.kind == JSON_NULL)
        return true;
    if (value.kind == JSON_OBJECT) {
        *ret_object = value.raw;
        return true;
    }
    *ret_object =
        wrapped(SPAN("_raw"),
                call->arguments.ptr ? call->arguments : text_escape(value.raw, arena), arena);
    return false;
}

struct text call_arguments(const struct block *call, struct arena *arena)
{
    struct span object;

    if (!call->custom && call->input.kind <= JSON_NULL)
        return call->arguments.len > 0 ? call->arguments : TEXT("{}");
    if (!call->custom)
        return text_escape(call->input.raw, arena);
    (void)call_input(call, arena, &object);
    return text_escape(object, arena);
}

struct text call_custom_input(const struct block *call, struct arena *arena)
{
    struct json_value value = {.kind = JSON_OBJECT};

    if (call->custom && call->arguments.ptr)
        return call->arguments;
    if (!call_input(call, arena, &value.raw))
        return TEXT_NONE;
    return text_of(json_member(value, SPAN("input")));
}
