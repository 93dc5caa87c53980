#include "worker/translate/forward.h"

#include "shared/base/check.h"
#include "shared/text/json_write.h"

/* BYTES take the place of LEN bytes at OFFSET. */
struct edit {
    size_t offset, len;
    struct span bytes;
};

static size_t offset_of(struct span body, struct span part)
{
    return (size_t)(part.ptr - body.ptr);
}

/* The edit that makes the request ask for usage. */
static struct edit usage_edit(const struct ask *ask)
{
    struct json_value options = ask->stream_options, asked, value;
    struct json_walk walk;
    struct span key;
    size_t at;
    bool empty;

    if (options.kind == JSON_ABSENT)
        return (struct edit){ask->open_offset, 0,
                             SPAN("\"stream_options\":{\"include_usage\":true},")};
    at = offset_of(ask->body, options.raw);
    if (options.kind == JSON_NULL)
        return (struct edit){at, options.raw.len, SPAN("{\"include_usage\":true}")};
    asked = json_member(options, SPAN("include_usage"));
    if (asked.kind != JSON_ABSENT)
        return (struct edit){offset_of(ask->body, asked.raw), asked.raw.len, SPAN("true")};
    walk = json_walk(options);
    empty = !json_next(&walk, &key, &value);
    return (struct edit){
        at + 1, 0, empty ? SPAN("\"include_usage\":true") : SPAN("\"include_usage\":true,")};
}

static void add(struct forward_body *ret, struct span piece)
{
    if (piece.len == 0)
        return;
    CHECK(ret->count < FORWARD_PIECES_MAX);
    ret->pieces[ret->count++] = piece;
}

static void splice(struct span body, const struct edit *edits, unsigned count,
                   struct forward_body *ret)
{
    size_t at = 0;

    for (unsigned i = 0; i < count; i++) {
        add(ret, span_of(body.ptr + at, edits[i].offset - at));
        add(ret, edits[i].bytes);
        at = edits[i].offset + edits[i].len;
    }
    add(ret, span_skip(body, at));
}

void forward_make(const struct ask *ask, struct span model_json, bool add_usage,
                  struct forward_body *ret)
{
    struct edit edits[2];
    unsigned count = 0;

    *ret = (struct forward_body){.count = 0};
    if (ask->model_value.kind != JSON_ABSENT)
        edits[count++] = (struct edit){offset_of(ask->body, ask->model_value.raw),
                                       ask->model_value.raw.len, model_json};
    if (add_usage && ask->stream && !ask->wants_usage) {
        edits[count++] = usage_edit(ask);
        ret->hides_usage = true;
    }
    if (count == 2 && edits[1].offset < edits[0].offset) {
        struct edit later = edits[0];

        edits[0] = edits[1];
        edits[1] = later;
    }
    splice(ask->body, edits, count, ret);
}

bool forward_wants_usage(const struct ask *ask)
{
    struct json_walk walk;
    struct json_value value;
    struct span key;

    if (!ask->stream || !ask->wants_usage)
        return false;
    walk = json_walk(ask->stream_options);
    return json_next(&walk, &key, &value) && !json_next(&walk, &key, &value);
}

/* ---- names inside of a body -------------------------------------------------------------- */

#define MODELS SPAN("models/")

struct renaming {
    struct span body, name;
    struct buffer out;
    size_t at; /* in BODY: what is before it was taken over */
};

static void rename_model(struct renaming *renaming, struct json_value value)
{
    if (value.kind != JSON_STRING)
        return;
    (void)buffer_append(&renaming->out,
                        span_of(renaming->body.ptr + renaming->at,
                                offset_of(renaming->body, value.raw) - renaming->at));
    (void)json_append_quoted(&renaming->out, renaming->name);
    renaming->at = offset_of(renaming->body, value.raw) + value.raw.len;
}

static void rename_each(struct renaming *renaming, struct json_value requests)
{
    struct json_walk walk = json_walk(requests);
    struct json_value request;

    while (requests.kind == JSON_ARRAY && json_next(&walk, NULL, &request))
        rename_model(renaming, json_member(request, SPAN("model")));
}

static struct span full_name(struct span model, struct arena *arena)
{
    struct buffer name _buffer_;

    buffer_init(&name, MODELS.len + model.len);
    if (span_starts(model, MODELS))
        return model;
    (void)buffer_append(&name, MODELS);
    (void)buffer_append(&name, model);
    return arena_copy(arena, buffer_span(&name));
}

struct span forward_named_inside(struct span body, struct span model, struct arena *arena)
{
    struct renaming renaming = {.body = body, .name = full_name(model, arena)};
    struct json_walk walk = json_walk((struct json_value){JSON_OBJECT, body});
    struct json_value value;
    struct span key;

    buffer_init(&renaming.out, SIZE_MAX);
    while (json_next(&walk, &key, &value))
        if (span_eq(key, SPAN("model")))
            rename_model(&renaming, value);
        else if (span_eq(key, SPAN("requests")))
            rename_each(&renaming, value);
        else if (span_eq(key, SPAN("generateContentRequest")))
            rename_model(&renaming, json_member(value, SPAN("model")));
    if (renaming.at > 0) {
        (void)buffer_append(&renaming.out, span_skip(body, renaming.at));
        body = arena_copy(arena, buffer_span(&renaming.out));
    }
    buffer_done(&renaming.out);
    return body;
}
