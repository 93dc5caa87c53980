/* Requests: tools and what may be called. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/hosted.h"

#define SCHEMA_DEPTH_LIMIT 20
#define SCHEMA_SIZE_LIMIT  ((size_t)1 << 20)

/* ---- schemas --------------------------------------------------------------------------- */

struct lowering {
    struct json_writer json;
    struct arena *arena;
    bool too_deep;
};

static void lower_value(struct lowering *lowering, struct json_value value, unsigned depth);

static struct span lower_case(struct span word, struct arena *arena)
{
    char *to = arena_take_text(arena, word.len + 1);

    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];

        to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return span_of(to, word.len);
}

static void lower_type(struct lowering *lowering, struct json_value type, bool nullable)
{
    struct span word;

    json_write_key(&lowering->json, SPAN("type"));
    if (type.kind != JSON_STRING) {
        json_write_raw(&lowering->json, type.raw);
        return;
    }
    word = lower_case(json_text(type, lowering->arena), lowering->arena);
    if (nullable)
        json_write_array(&lowering->json);
    json_write_text(&lowering->json, word);
    if (!nullable)
        return;
    json_write_text(&lowering->json, SPAN("null"));
    json_write_array_end(&lowering->json);
}

/* Integers are written as strings by some SDKs: "minItems": "2". */
static void lower_count(struct lowering *lowering, struct json_value value)
{
    uint64_t number;

    if (value.kind == JSON_STRING && span_read_u64(json_text(value, lowering->arena), &number))
        json_write_u64(&lowering->json, number);
    else
        json_write_raw(&lowering->json, value.raw);
}

static void lower_map(struct lowering *lowering, struct json_value map, unsigned depth)
{
    struct json_walk walk = json_walk(map);
    struct json_value value;
    struct span key;

    json_write_object(&lowering->json);
    while (json_next(&walk, &key, &value)) {
        json_write_key(&lowering->json, json_inside_text(key, lowering->arena));
        lower_value(lowering, value, depth);
    }
    json_write_object_end(&lowering->json);
}

static void lower_member(struct lowering *lowering, struct span key, struct json_value value,
                         unsigned depth)
{
    static const struct span counts[] = {WORD("minItems"),      WORD("maxItems"),
                                         WORD("minLength"),     WORD("maxLength"),
                                         WORD("minProperties"), WORD("maxProperties")};
    static const struct span schemas[] = {WORD("items"), WORD("anyOf")};

    json_write_key(&lowering->json, json_inside_text(key, lowering->arena));
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        if (span_eq(key, counts[i])) {
            lower_count(lowering, value);
            return;
        }
    for (unsigned i = 0; i < ARRAY_LEN(schemas); i++)
        if (span_eq(key, schemas[i])) {
            lower_value(lowering, value, depth);
            return;
        }
    if (span_eq(key, SPAN("properties")) && value.kind == JSON_OBJECT)
        lower_map(lowering, value, depth);
    else
        json_write_raw(&lowering->json, value.raw);
}

static void lower_object(struct lowering *lowering, struct json_value schema, unsigned depth)
{
    struct json_walk walk = json_walk(schema);
    bool nullable = gemini_member(schema, SPAN("nullable")).kind == JSON_TRUE;
    struct json_value value;
    struct span key;

    json_write_object(&lowering->json);
    while (json_next(&walk, &key, &value)) {
        if (span_eq(key, SPAN("nullable")) || gemini_is(key, SPAN("propertyOrdering")) ||
            (span_eq(key, SPAN("format")) && json_text_eq(value, SPAN("enum"))))
            continue;
        if (span_eq(key, SPAN("type")))
            lower_type(lowering, value, nullable);
        else
            lower_member(lowering, key, value, depth);
    }
    json_write_object_end(&lowering->json);
}

static void lower_value(struct lowering *lowering, struct json_value value, unsigned depth)
{
    struct json_value item;
    struct json_walk walk;
    struct span key;

    if (depth > SCHEMA_DEPTH_LIMIT)
        lowering->too_deep = true;
    if (lowering->too_deep || (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY)) {
        json_write_raw(&lowering->json, value.raw);
        return;
    }
    if (value.kind == JSON_OBJECT) {
        lower_object(lowering, value, depth + 1);
        return;
    }
    json_write_array(&lowering->json);
    for (walk = json_walk(value); json_next(&walk, &key, &item);)
        lower_value(lowering, item, depth + 1);
    json_write_array_end(&lowering->json);
}

bool gemini_read_schema(struct json_value schema, struct arena *arena, struct json_value *ret)
{
    struct lowering lowering = {.arena = arena};
    struct buffer out _buffer_;

    buffer_init(&out, SCHEMA_SIZE_LIMIT);
    json_write_init(&lowering.json, &out);
    lower_value(&lowering, schema, 0);
    *ret = (struct json_value){schema.kind, arena_copy(arena, buffer_span(&out))};
    return !out.failed && !lowering.too_deep;
}

/* ---- tools ----------------------------------------------------------------------------- */

static bool read_parameters(struct gemini_reading *reading, const struct path *path,
                            const struct json_value *values, struct tool *tool)
{
    struct path parameters = {.up = path, .key = SPAN("parameters")};
    struct path schema = {.up = path, .key = SPAN("parametersJsonSchema")};

    if (values[1].kind != JSON_ABSENT) {
        tool->schema = values[1];
        return values[1].kind == JSON_OBJECT ||
               refuse(reading->t, &schema, "must be an object");
    }
    if (values[0].kind == JSON_ABSENT)
        return true;
    if (values[0].kind != JSON_OBJECT)
        return refuse(reading->t, &parameters, "must be an object");
    return gemini_read_schema(values[0], reading->arena, &tool->schema) ||
           refuse(reading->t, &parameters, "is too deep or too large");
}

static bool read_function(struct gemini_reading *reading, const struct path *path,
                          struct json_value value)
{
    static const struct span names[] = {WORD("name"), WORD("description"), WORD("parameters"),
                                        WORD("parametersJsonSchema")};
    struct json_value values[ARRAY_LEN(names)];
    struct tool *tool = chat_add_tool(reading->chat, TOOL_FUNCTION, reading->arena);

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values) ||
        !read_known(reading->t, path, names[0], values[0], &tool->name) ||
        !read_known(reading->t, path, names[1], values[1], &tool->description))
        return false;
    if (tool->name.len == 0)
        return refuse(reading->t, path, "must have a name");
    return read_parameters(reading, path, values + 2, tool);
}

static bool read_functions(struct gemini_reading *reading, const struct path *path,
                           struct json_value value)
{
    return gemini_read_list(reading, path, value, read_function);
}

/* {"googleSearch": {}}: a tool that the provider runs. */
static void add_hosted(struct gemini_reading *reading, const struct path *path,
                       struct json_value value)
{
    struct span key = path->key;
    struct tool *tool = chat_add_tool(reading->chat, TOOL_HOSTED, reading->arena);
    enum hosted_kind kind;
    struct buffer out _buffer_;
    struct json_writer json;

    buffer_init(&out, SIZE_MAX);
    json_write_init(&json, &out);
    json_write_object(&json);
    json_write_key(&json, json_inside_text(key, reading->arena));
    json_write_raw(&json, value.raw);
    json_write_object_end(&json);
    tool->name = (struct text){key.ptr, key.len};
    tool->raw = (struct json_value){JSON_OBJECT, arena_copy(reading->arena, buffer_span(&out))};
    kind = hosted_kind_of(DIALECT_gemini, tool->name);
    if (kind != HOSTED_none)
        hosted_read(reading->t, path, kind, value, tool);
}

static bool read_tool(struct gemini_reading *reading, const struct path *path,
                      struct json_value value)
{
    struct path here = {.up = path};
    struct json_value member;
    struct json_walk walk;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    walk = json_walk(value);
    while (json_next(&walk, &here.key, &member)) {
        if (member.kind == JSON_NULL)
            continue;
        if (!gemini_is(here.key, SPAN("functionDeclarations")))
            add_hosted(reading, &here, member);
        else if (!read_functions(reading, &here, member))
            return false;
    }
    return true;
}

bool gemini_read_tools(struct gemini_reading *reading, const struct path *path,
                       struct json_value value)
{
    return gemini_read_list(reading, path, value, read_tool);
}

/* ---- what may be called ---------------------------------------------------------------- */

static bool read_allowed(struct gemini_reading *reading, const struct path *path,
                         struct json_value value)
{
    struct path item = {.up = path};
    struct text_item **at = &reading->chat->tool_names;
    struct json_value name;
    struct json_walk walk;
    struct span key;

    if (value.kind == JSON_ABSENT)
        return true;
    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (walk = json_walk(value); json_next(&walk, &key, &name); item.index++) {
        if (name.kind != JSON_STRING)
            return refuse(reading->t, &item, "must be a string");
        *at = ARENA_NEW(reading->arena, struct text_item);
        (*at)->text = text_of(name);
        at = &(*at)->next;
    }
    if (item.index == 1 && reading->chat->tool_choice == TOOL_CHOICE_REQUIRED)
        reading->chat->tool_choice = TOOL_CHOICE_NAMED;
    return true;
}

static bool read_calling(struct gemini_reading *reading, const struct path *path,
                         struct json_value value)
{
    static const struct span names[] = {WORD("mode"), WORD("allowedFunctionNames")};
    struct json_value values[ARRAY_LEN(names)];
    struct path mode = {.up = path, .key = names[0]}, allowed = {.up = path, .key = names[1]};

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values))
        return false;
    if (values[0].kind != JSON_ABSENT &&
        !gemini_word_read(gemini_modes, values[0], &reading->chat->tool_choice))
        return refuse(reading->t, &mode, "must be AUTO, ANY, NONE or VALIDATED");
    return read_allowed(reading, &allowed, values[1]);
}

bool gemini_read_tool_config(struct gemini_reading *reading, const struct path *path,
                             struct json_value value)
{
    static const struct span names[] = {WORD("functionCallingConfig")};
    struct path calling = {.up = path, .key = names[0]};
    struct json_value values[ARRAY_LEN(names)];

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values))
        return false;
    return values[0].kind == JSON_ABSENT || read_calling(reading, &calling, values[0]);
}
