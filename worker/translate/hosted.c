#include "worker/translate/hosted.h"

#include "shared/base/check.h"

struct setting_row {
    uint8_t kind, setting;
    struct span names[DIALECT_COUNT];
};

static const struct setting_row rows[] = {
#define HOSTED_SETTING(kind_, setting_, openai_, responses_, anthropic_, gemini_) \
    {HOSTED_##kind_,                                                              \
     HOSTED_##setting_,                                                           \
     {WORD(openai_), WORD(responses_), WORD(anthropic_), WORD(gemini_)}},
#include "worker/translate/hosted.def"
};

static const struct span tool_names[][DIALECT_COUNT] = {
#define HOSTED_TOOL(kind, openai, responses, anthropic, gemini) \
    [HOSTED_##kind] = {WORD(openai), WORD(responses), WORD(anthropic), WORD(gemini)},
#include "worker/translate/hosted.def"
};

/* ---- names ------------------------------------------------------------------------------- */

/* How the names of all versions begin: "web_search_20250305", "web_search_preview". */
enum hosted_kind hosted_kind_of(enum dialect_id dialect, struct text name)
{
    static const struct {
        uint8_t dialect, kind;
        struct span begin;
    } beginnings[] = {
        {DIALECT_openai, HOSTED_search, WORD("web_search_options")},
        {DIALECT_responses, HOSTED_search, WORD("web_search")},
        {DIALECT_responses, HOSTED_code, WORD("code_interpreter")},
        {DIALECT_anthropic, HOSTED_search, WORD("web_search_")},
        {DIALECT_anthropic, HOSTED_code, WORD("code_execution_")},
        {DIALECT_anthropic, HOSTED_fetch, WORD("web_fetch_")},
        {DIALECT_gemini, HOSTED_search, WORD("googleSearch")},
        {DIALECT_gemini, HOSTED_search, WORD("google_search")},
        {DIALECT_gemini, HOSTED_code, WORD("codeExecution")},
        {DIALECT_gemini, HOSTED_code, WORD("code_execution")},
        {DIALECT_gemini, HOSTED_fetch, WORD("urlContext")},
        {DIALECT_gemini, HOSTED_fetch, WORD("url_context")},
    };

    for (unsigned i = 0; i < ARRAY_LEN(beginnings); i++)
        if (beginnings[i].dialect == dialect &&
            span_starts(span_of(name.ptr, name.len), beginnings[i].begin))
            return (enum hosted_kind)beginnings[i].kind;
    return HOSTED_none;
}

struct span hosted_name(enum hosted_kind kind, enum dialect_id to)
{
    return kind == HOSTED_none ? SPAN("") : tool_names[kind][to];
}

/* The name of ROW in DIALECT; empty where it has none, and, to WRITE, where it is only read. */
static struct span row_name(const struct setting_row *row, enum dialect_id dialect, bool write)
{
    struct span name = row->names[dialect];
    bool mark = span_starts(name, SPAN("-"));

    if (mark && write)
        return SPAN("");
    return mark ? span_skip(name, 1) : name;
}

/* ---- reading ----------------------------------------------------------------------------- */

struct hosted_reading {
    struct translation *t;
    struct hosted *hosted;
    enum dialect_id dialect;
    struct extra **next_other;
};

/* Where the user is stands one object deeper in chat completions. */
static struct json_value settled(const struct hosted_reading *reading, enum hosted_setting row,
                                 struct json_value value)
{
    struct json_value inner;

    if (row != HOSTED_place || reading->dialect != DIALECT_openai)
        return value;
    inner = json_member(value, SPAN("approximate"));
    return inner.kind == JSON_OBJECT ? inner : value;
}

static bool take_setting(struct hosted_reading *reading, struct span name,
                         struct json_value value)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct span known = row_name(&rows[i], reading->dialect, false);

        if (rows[i].kind != reading->hosted->kind || known.len == 0 || !span_eq(known, name))
            continue;
        reading->hosted->settings[rows[i].setting] =
            settled(reading, (enum hosted_setting)rows[i].setting, value);
        return true;
    }
    return false;
}

/* Whether some setting stands inside of the member NAME. */
static bool has_inside(const struct hosted_reading *reading, struct span name)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct span known = row_name(&rows[i], reading->dialect, false);

        if (rows[i].kind == reading->hosted->kind && span_starts(known, name) &&
            known.len > name.len && known.ptr[name.len] == '.')
            return true;
    }
    return false;
}

static void add_other(struct hosted_reading *reading, const struct path *path,
                      struct json_value value)
{
    struct extra *other = ARENA_NEW(reading->t->arena, struct extra);

    *other = (struct extra){.key = path_text(path, reading->t->arena), .value = value};
    *reading->next_other = other;
    reading->next_other = &other->next;
}

static struct span joined(struct span head, struct span key, struct arena *arena)
{
    char *to = arena_take_text(arena, head.len + 1 + key.len);

    memcpy(to, head.ptr, head.len);
    to[head.len] = '.';
    memcpy(to + head.len + 1, key.ptr, key.len);
    return span_of(to, head.len + 1 + key.len);
}

static void read_inside(struct hosted_reading *reading, const struct path *path,
                        struct json_value object)
{
    struct json_walk walk = json_walk(object);
    struct path here = {.up = path};
    struct json_value value;

    while (json_next(&walk, &here.key, &value))
        if (value.kind != JSON_NULL &&
            !take_setting(reading, joined(path->key, here.key, reading->t->arena), value))
            add_other(reading, &here, value);
}

static void read_member(struct hosted_reading *reading, const struct path *path,
                        struct json_value value)
{
    static const struct span names[] = {WORD("type"), WORD("name"), WORD("cache_control")};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(path->key, names[i]))
            return;
    if (value.kind == JSON_OBJECT && has_inside(reading, path->key))
        read_inside(reading, path, value);
    else if (!take_setting(reading, path->key, value))
        add_other(reading, path, value);
}

void hosted_read(struct translation *t, const struct path *path, enum hosted_kind kind,
                 struct json_value object, struct tool *tool)
{
    struct hosted *hosted = ARENA_NEW(t->arena, struct hosted);
    struct hosted_reading reading = {.t = t,
                                     .hosted = hosted,
                                     .dialect = (enum dialect_id)tool->origin,
                                     .next_other = &hosted->others};
    struct json_walk walk = json_walk(object);
    struct path here = {.up = path};
    struct json_value value;

    hosted->kind = (uint8_t)kind;
    hosted->place = path_text(path, t->arena);
    tool->hosted = hosted;
    while (object.kind == JSON_OBJECT && json_next(&walk, &here.key, &value))
        if (value.kind != JSON_NULL)
            read_member(&reading, &here, value);
}

/* ---- which are written ------------------------------------------------------------------- */

static bool is_of_kind(const struct tool *tool, enum hosted_kind kind)
{
    return tool->kind == TOOL_HOSTED && tool->hosted && tool->hosted->kind == kind;
}

/* Claude's tools have names that no function may have beside them. */
static bool is_name_free(const struct chat *chat, enum hosted_kind kind, enum dialect_id to)
{
    static const struct text names[] = {[HOSTED_none] = {NULL, 0},
                                        [HOSTED_search] = WORD("web_search"),
                                        [HOSTED_code] = WORD("code_execution"),
                                        [HOSTED_fetch] = WORD("web_fetch")};

    return to != DIALECT_anthropic || !chat_find_tool(chat, names[kind]);
}

bool hosted_is_written(const struct chat *chat, const struct tool *tool, enum dialect_id to)
{
    enum hosted_kind kind = tool->hosted ? (enum hosted_kind)tool->hosted->kind : HOSTED_none;

    if (tool->kind != TOOL_HOSTED)
        return false;
    if (tool->origin == to)
        return true;
    if (hosted_name(kind, to).len == 0 || !is_name_free(chat, kind, to))
        return false;
    for (const struct tool *at = chat->tools; at != tool; at = at->next)
        if (is_of_kind(at, kind))
            return false;
    return true;
}

const struct tool *hosted_find(const struct chat *chat, struct text name)
{
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        if (tool->kind == TOOL_HOSTED && tool->hosted && text_eq(tool->name, name))
            return tool;
    return NULL;
}

bool hosted_is_choice_lost(const struct chat *chat, enum dialect_id to)
{
    const struct tool *hosted;

    if (chat->tool_choice != TOOL_CHOICE_NAMED || !chat->tool_names ||
        chat_find_tool(chat, chat->tool_names->text))
        return false;
    hosted = hosted_find(chat, chat->tool_names->text);
    return hosted && !hosted_is_written(chat, hosted, to);
}

bool hosted_is_asked(const struct chat *chat, enum hosted_kind kind)
{
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        if (is_of_kind(tool, kind))
            return true;
    return false;
}

void hosted_drop(struct translation *t, const struct tool *tool)
{
    drop(t, tool->hosted ? tool->hosted->place : SPAN("tools[]"));
}

/* ---- writing ----------------------------------------------------------------------------- */

static void write_place(struct json_value value, enum dialect_id to, struct json_writer *json)
{
    static const struct span names[] = {WORD("country"), WORD("region"), WORD("city"),
                                        WORD("timezone")};
    struct json_value values[ARRAY_LEN(names)];

    pick_members(value, names, ARRAY_LEN(names), values);
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("approximate"));
    if (to == DIALECT_openai) {
        json_write_key(json, SPAN("approximate"));
        json_write_object(json);
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        text_write_known(json, names[i], text_of(values[i]));
    if (to == DIALECT_openai)
        json_write_object_end(json);
    json_write_object_end(json);
}

static void write_setting(const struct setting_row *row, struct json_value value,
                          enum dialect_id to, struct json_writer *json)
{
    struct span name = row_name(row, to, true), outer;
    struct span inner = name;
    bool nested = span_cut(&inner, '.', &outer) && inner.ptr;

    if (nested) {
        json_write_key(json, outer);
        json_write_object(json);
        name = inner;
    }
    json_write_key(json, name);
    if (row->setting == HOSTED_place)
        write_place(value, to, json);
    else
        json_write_raw(json, value.raw);
    if (nested)
        json_write_object_end(json);
}

/* Whether VALUE asks for what happens anyway, or for nothing. */
static bool says_nothing(enum hosted_setting setting, struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct json_value inner;
    struct span key;

    if (setting == HOSTED_extent)
        return json_text_eq(value, SPAN("medium"));
    if (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY)
        return false;
    if (setting != HOSTED_container)
        return !json_next(&walk, &key, &inner);
    while (json_next(&walk, &key, &inner)) /* {"type": "auto"} and nothing more */
        if (inner.kind != JSON_NULL && !json_text_eq(inner, SPAN("auto")))
            return false;
    return value.kind == JSON_OBJECT;
}

static void drop_inside(struct translation *t, const struct tool *tool, struct span name)
{
    drop(t, joined(tool->hosted->place, name, t->arena));
}

/* Members without a place elsewhere; true and false are what counts without them, in the one
 * case where anything is known. */
static void drop_others(struct translation *t, const struct tool *tool)
{
    for (const struct extra *other = tool->hosted->others; other; other = other->next) {
        bool usual = other->value.kind == JSON_TRUE &&
                     span_ends(other->key, SPAN(".external_web_access"));

        if (!usual && !says_nothing(HOSTED_SETTING_COUNT, other->value))
            drop(t, other->key);
    }
}

void hosted_write_settings(struct translation *t, const struct tool *tool, enum dialect_id to,
                           struct json_writer *json)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct setting_row *row = &rows[i];
        struct json_value value = tool->hosted->settings[row->setting];

        if (row->kind != tool->hosted->kind || value.kind <= JSON_NULL ||
            says_nothing((enum hosted_setting)row->setting, value))
            continue;
        if (row_name(row, to, true).len > 0)
            write_setting(row, value, to, json);
        else
            drop_inside(t, tool, row_name(row, (enum dialect_id)tool->origin, false));
    }
    drop_others(t, tool);
    if (tool->cache != CACHE_NONE && to != DIALECT_anthropic)
        drop(t, SPAN("cache_control"));
}
