/* Requests for embeddings, read and written. Declared in embeddings.h. */
#include "shared/base/check.h"

#include "worker/translate/dialect.h"
#include "worker/translate/embeddings.h"

static const struct json_value nothing = {.kind = JSON_ABSENT};

/* A member under either of two names; null is not there. */
static struct json_value member(struct json_value object, struct span name, struct span other)
{
    struct json_value value = object.kind == JSON_OBJECT ? json_member(object, name) : nothing;

    if (value.kind <= JSON_NULL && object.kind == JSON_OBJECT && other.len > 0)
        value = json_member(object, other);
    return value.kind == JSON_NULL ? nothing : value;
}

struct list {
    struct translation *t;
    struct embed_ask *ask;
    struct text_item **end;
};

static void add_text(struct list *list, struct text text)
{
    struct text_item *item = ARENA_NEW(list->t->arena, struct text_item);

    item->text = text;
    *list->end = item;
    list->end = &item->next;
    list->ask->count++;
}

/* ---- OpenAI ---------------------------------------------------------------------------- */

static bool add_input(struct list *list, const struct path *path, struct json_value input)
{
    if (input.kind == JSON_NUMBER || input.kind == JSON_ARRAY)
        return refuse_as(list->t, COMPLAINT_unsupported, path,
                         "holds tokens, which the provider of this model does not take");
    if (input.kind != JSON_STRING)
        return refuse(list->t, path, "must be a string");
    add_text(list, text_of(input));
    return true;
}

static bool read_inputs(struct list *list, struct json_value input)
{
    struct path path = {.key = SPAN("input")}, item = {.up = &path};
    struct json_value text;
    struct json_walk walk;
    struct span key;

    if (input.kind == JSON_STRING)
        return add_input(list, &path, input);
    if (input.kind != JSON_ARRAY)
        return refuse(list->t, &path, "must be a string or an array of strings");
    for (walk = json_walk(input); json_next(&walk, &key, &text); item.index++)
        if (!add_input(list, &item, text))
            return false;
    return item.index > 0 || refuse(list->t, &path, "must not be empty");
}

static bool read_dimensions(struct translation *t, struct span name, struct json_value value,
                            struct embed_ask *ask)
{
    struct path path = {.key = name};

    if (value.kind != JSON_ABSENT && value.kind != JSON_NUMBER)
        return refuse(t, &path, "must be a number");
    ask->dimensions = value;
    return true;
}

static bool read_openai(struct list *list, struct json_value body)
{
    struct json_value format = member(body, SPAN("encoding_format"), SPAN_NONE);
    struct path path = {.key = SPAN("encoding_format")};

    list->ask->base64 = format.kind == JSON_STRING && json_text_eq(format, SPAN("base64"));
    if (format.kind != JSON_ABSENT && !list->ask->base64 &&
        !(format.kind == JSON_STRING && json_text_eq(format, SPAN("float"))))
        return refuse(list->t, &path, "must be float or base64");
    if (member(body, SPAN("user"), SPAN_NONE).kind != JSON_ABSENT)
        drop(list->t, SPAN("user"));
    return read_dimensions(list->t, SPAN("dimensions"),
                           member(body, SPAN("dimensions"), SPAN_NONE), list->ask) &&
           read_inputs(list, member(body, SPAN("input"), SPAN_NONE));
}

/* ---- Gemini ---------------------------------------------------------------------------- */

static bool read_content(struct list *list, const struct path *path, struct json_value content)
{
    struct json_value parts = member(content, SPAN("parts"), SPAN_NONE), part, text;
    struct path list_path = {.up = path, .key = SPAN("parts")}, item = {.up = &list_path};
    struct text all = TEXT("");
    struct json_walk walk;
    struct span key;

    if (parts.kind != JSON_ARRAY)
        return refuse(list->t, &list_path, "must be an array");
    for (walk = json_walk(parts); json_next(&walk, &key, &part); item.index++) {
        text = member(part, SPAN("text"), SPAN_NONE);
        if (text.kind != JSON_STRING)
            return refuse_as(list->t, COMPLAINT_unsupported, &item, "must be a text");
        all = text_join(all, text_of(text), list->t->arena);
    }
    add_text(list, all);
    return true;
}

/* The settings of the first request stand for all. */
static bool read_one(struct list *list, const struct path *path, struct json_value request)
{
    struct path content = {.up = path, .key = SPAN("content")};
    struct embed_ask *ask = list->ask;

    if (request.kind != JSON_OBJECT)
        return refuse(list->t, path, "must be an object");
    if (ask->count == 0) {
        ask->task = text_of(member(request, SPAN("taskType"), SPAN("task_type")));
        ask->title = text_of(member(request, SPAN("title"), SPAN_NONE));
        if (!read_dimensions(
                list->t, SPAN("outputDimensionality"),
                member(request, SPAN("outputDimensionality"), SPAN("output_dimensionality")),
                ask))
            return false;
    }
    return read_content(list, &content, member(request, SPAN("content"), SPAN_NONE));
}

static bool read_requests(struct list *list, struct json_value requests)
{
    struct path path = {.key = SPAN("requests")}, item = {.up = &path};
    struct json_value request;
    struct json_walk walk;
    struct span key;

    if (requests.kind != JSON_ARRAY)
        return refuse(list->t, &path, "must be an array");
    for (walk = json_walk(requests); json_next(&walk, &key, &request); item.index++)
        if (!read_one(list, &item, request))
            return false;
    return item.index > 0 || refuse(list->t, &path, "must not be empty");
}

bool embed_read_ask(struct translation *t, enum dialect_id client, bool batch,
                    struct json_value body, struct embed_ask *ret)
{
    struct list list = {.t = t, .ask = ret};

    *ret = (struct embed_ask){.dialect = (uint8_t)client, .batch = batch};
    list.end = &ret->texts;
    if (client != DIALECT_gemini)
        return read_openai(&list, body);
    if (batch)
        return read_requests(&list, member(body, SPAN("requests"), SPAN_NONE));
    return read_one(&list, NULL, body);
}

/* ---- writing --------------------------------------------------------------------------- */

static void write_dimensions(struct json_writer *json, struct span name,
                             const struct embed_ask *ask)
{
    if (ask->dimensions.kind != JSON_NUMBER)
        return;
    json_write_key(json, name);
    json_write_raw(json, ask->dimensions.raw);
}

static void write_openai(struct translation *t, const struct embed_ask *ask,
                         struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("model"), t->target.model);
    json_write_key(json, SPAN("input"));
    json_write_array(json);
    for (const struct text_item *item = ask->texts; item; item = item->next)
        text_write(json, item->text);
    json_write_array_end(json);
    write_dimensions(json, SPAN("dimensions"), ask);
    json_write_object_end(json);
    if (ask->task.len > 0)
        drop(t, SPAN("taskType"));
    if (ask->title.len > 0)
        drop(t, SPAN("title"));
}

/* "models/NAME", as each request of a batch wants it. */
static void write_model(struct translation *t, struct json_writer *json)
{
    struct text name = text_escape(t->target.model, t->arena);

    json_write_key(json, SPAN("model"));
    json_write_inside_two(
        json, span_starts(t->target.model, SPAN("models/")) ? SPAN("") : SPAN("models/"),
        span_of(name.ptr, name.len));
}

static void write_request(struct translation *t, const struct embed_ask *ask, struct text text,
                          struct json_writer *json)
{
    json_write_object(json);
    write_model(t, json);
    json_write_key(json, SPAN("content"));
    json_write_object(json);
    json_write_key(json, SPAN("parts"));
    json_write_array(json);
    json_write_object(json);
    text_write_member(json, SPAN("text"), text);
    json_write_object_end(json);
    json_write_array_end(json);
    json_write_object_end(json);
    text_write_known(json, SPAN("taskType"), ask->task);
    text_write_known(json, SPAN("title"), ask->title);
    write_dimensions(json, SPAN("outputDimensionality"), ask);
    json_write_object_end(json);
}

void embed_write_ask(struct translation *t, enum dialect_id provider,
                     const struct embed_ask *ask, struct json_writer *json)
{
    if (provider != DIALECT_gemini) {
        write_openai(t, ask, json);
        return;
    }
    json_write_object(json);
    json_write_key(json, SPAN("requests"));
    json_write_array(json);
    for (const struct text_item *item = ask->texts; item; item = item->next)
        write_request(t, ask, item->text, json);
    json_write_array_end(json);
    json_write_object_end(json);
}
