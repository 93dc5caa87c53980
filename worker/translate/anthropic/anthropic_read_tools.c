/* Tools of a request, and the choice among them. */
#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/hosted.h"

#define TOOL_MEMBERS(X)      \
    X(type)                  \
    X(name)                  \
    X(description)           \
    X(input_schema)          \
    X(strict)                \
    X(cache_control)         \
    X(input_examples)        \
    X(defer_loading)         \
    X(eager_input_streaming) \
    X(allowed_callers)

enum tool_member {
#define MEMBER(name) TOOL_MEMBER_##name,
    TOOL_MEMBERS(MEMBER)
#undef MEMBER
    TOOL_MEMBER_COUNT
};

static const struct span names[] = {
#define MEMBER(name) WORD(#name),
    TOOL_MEMBERS(MEMBER)
#undef MEMBER
};

/* What only Claude's own providers heed. */
static void drop_hints(struct translation *t, const struct path *path,
                       const struct json_value *values)
{
    for (unsigned i = TOOL_MEMBER_input_examples; i < TOOL_MEMBER_COUNT; i++) {
        struct path here = {.up = path, .key = names[i]};

        if (values[i].kind > JSON_FALSE)
            drop_at(t, &here);
    }
}

static bool read_function(struct translation *t, const struct path *path,
                          const struct json_value *values, struct tool *ret)
{
    struct path schema = {.up = path, .key = names[TOOL_MEMBER_input_schema]};

    ret->schema = values[TOOL_MEMBER_input_schema];
    if (ret->schema.kind != JSON_ABSENT && ret->schema.kind != JSON_OBJECT)
        return refuse(t, &schema, "must be an object");
    drop_hints(t, path, values);
    return read_known(t, path, SPAN("description"), values[TOOL_MEMBER_description],
                      &ret->description) &&
           read_maybe(t, path, SPAN("strict"), values[TOOL_MEMBER_strict], &ret->strict);
}

static bool read_tool(struct translation *t, const struct path *path, struct json_value object,
                      struct chat *chat)
{
    struct json_value values[TOOL_MEMBER_COUNT], type;
    enum hosted_kind kind;
    struct tool *tool;

    if (object.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    pick_members(object, names, TOOL_MEMBER_COUNT, values);
    type = values[TOOL_MEMBER_type];
    tool = chat_add_tool(chat, TOOL_FUNCTION, t->arena);
    tool->origin = DIALECT_anthropic;
    tool->cache = (uint8_t)anthropic_cache_mark(values[TOOL_MEMBER_cache_control]);
    if (!anthropic_need(t, path, SPAN("name"), values[TOOL_MEMBER_name]) ||
        !read_known(t, path, SPAN("name"), values[TOOL_MEMBER_name], &tool->name))
        return false;
    if (type.kind == JSON_ABSENT || json_text_eq(type, SPAN("custom")))
        return read_function(t, path, values, tool);
    tool->kind = TOOL_HOSTED;
    tool->raw = object;
    kind = hosted_kind_of(DIALECT_anthropic, text_of(type));
    if (kind != HOSTED_none)
        hosted_read(t, path, kind, object, tool);
    return true;
}

bool anthropic_read_tools(struct translation *t, struct json_value tools, struct chat *ret)
{
    struct path list = {.key = SPAN("tools")};
    struct path item = {.up = &list};
    struct json_walk walk = json_walk(tools);
    struct json_value tool;

    if (tools.kind != JSON_ABSENT && tools.kind != JSON_ARRAY)
        return refuse(t, &list, "must be an array of tools");
    for (; json_next(&walk, NULL, &tool); item.index++)
        if (!read_tool(t, &item, tool, ret))
            return false;
    return true;
}

bool anthropic_read_tool_choice(struct translation *t, struct json_value choice,
                                struct chat *ret)
{
    static const struct anthropic_word types[] = {
        {WORD("auto"), TOOL_CHOICE_AUTO},
        {WORD("any"), TOOL_CHOICE_REQUIRED},
        {WORD("tool"), TOOL_CHOICE_NAMED},
        {WORD("none"), TOOL_CHOICE_NONE},
        {SPAN_NONE, 0},
    };
    static const struct span members[] = {WORD("type"), WORD("name"),
                                          WORD("disable_parallel_tool_use")};
    struct path path = {.key = SPAN("tool_choice")};
    struct path type = {.up = &path, .key = members[0]};
    struct json_value values[3];
    uint8_t single = MAYBE_ABSENT;

    if (choice.kind == JSON_ABSENT)
        return true;
    if (choice.kind != JSON_OBJECT)
        return refuse(t, &path, "must be an object");
    pick_members(choice, members, 3, values);
    if (!anthropic_word_read(types, values[0], &ret->tool_choice))
        return refuse(t, &type, "must be auto, any, tool or none");
    if (!read_maybe(t, &path, members[2], values[2], &single))
        return false;
    if (single == MAYBE_TRUE)
        ret->parallel = MAYBE_FALSE;
    if (ret->tool_choice != TOOL_CHOICE_NAMED)
        return true;
    ret->tool_names = ARENA_NEW(t->arena, struct text_item);
    return anthropic_need(t, &path, members[1], values[1]) &&
           read_known(t, &path, members[1], values[1], &ret->tool_names->text);
}
