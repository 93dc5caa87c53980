/* Tools, and all that a request says beside the conversation. */
#include "shared/base/check.h"

#include "tests/support/chats_inside.h"
#include "worker/translate/chat_fields.h"

#define TOOLS_LIMIT 4

/* ---- tools ------------------------------------------------------------------------------- */

static void make_function(struct chat_maker *maker, struct tool *tool)
{
    if (maker->dialect == DIALECT_responses || maker->dialect == DIALECT_anthropic ||
        !luck_once_in(&maker->luck, 6))
        tool->schema = luck_schema(&maker->luck);
    if (carries(maker->dialect, CARRIED_strict_always))
        tool->strict = luck_once_in(&maker->luck, 2) ? MAYBE_TRUE : MAYBE_FALSE;
    else if (tool->schema.kind == JSON_OBJECT && maker_may(maker, CARRIED_strict, 3))
        tool->strict = MAYBE_TRUE;
    tool->cache = (uint8_t)maker_mark(maker, CARRIED_mark_any);
}

static struct json_value literal(const char *text)
{
    return (struct json_value){JSON_OBJECT, span_of_text(text)};
}

static void make_custom(struct chat_maker *maker, struct tool *tool)
{
    if (luck_once_in(&maker->luck, 2))
        tool->grammar = literal("{\"type\":\"grammar\",\"grammar\":{\"syntax\":\"lark\","
                                "\"definition\":\"start: \\\"a\\\"+\"}}");
    else if (luck_once_in(&maker->luck, 2))
        tool->grammar = literal("{\"type\":\"text\"}");
}

static void make_hosted(struct chat_maker *maker)
{
    static const struct {
        struct text name;
        const char *raw;
    } rows[] = {
        [DIALECT_openai] = {{"web_search", 10}, "{\"type\":\"web_search\",\"x\":1}"},
        [DIALECT_responses] = {{"web_search", 10}, "{\"type\":\"web_search\",\"x\":1}"},
        [DIALECT_anthropic] = {{"web_search", 10},
                               "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}"},
        [DIALECT_gemini] = {{"googleSearch", 12}, "{\"googleSearch\":{}}"},
    };
    struct tool *tool = chat_add_tool(maker->chat, TOOL_HOSTED, maker->luck.arena);

    tool->name = rows[maker->dialect].name;
    tool->raw = literal(rows[maker->dialect].raw);
}

static void add_tool(struct chat_maker *maker, unsigned number)
{
    bool custom = maker_may(maker, CARRIED_custom, 4);
    struct tool *tool =
        chat_add_tool(maker->chat, custom ? TOOL_CUSTOM : TOOL_FUNCTION, maker->luck.arena);

    tool->name = luck_unique(&maker->luck, "tool-", number);
    if (luck_once_in(&maker->luck, 2))
        tool->description = luck_words(&maker->luck);
    if (custom)
        make_custom(maker, tool);
    else
        make_function(maker, tool);
}

static struct text_item *add_name(struct chat_maker *maker, struct text_item *last,
                                  struct text name)
{
    struct text_item *item = ARENA_NEW(maker->luck.arena, struct text_item);

    item->text = name;
    if (last)
        last->next = item;
    else
        maker->chat->tool_names = item;
    return item;
}

/* All of the tools but the last, when these are several. */
static void allow_some(struct chat_maker *maker)
{
    struct text_item *last = NULL;
    const struct tool *tool = maker->chat->tools;

    if (!tool->next || !tool->next->next)
        return;
    for (; tool->next; tool = tool->next)
        last = add_name(maker, last, tool->name);
}

static void make_choice(struct chat_maker *maker)
{
    struct chat *chat = maker->chat;

    chat->tool_choice = (uint8_t)luck_below(&maker->luck, TOOL_CHOICE_NAMED + 1);
    if (chat->tool_choice == TOOL_CHOICE_NAMED)
        (void)add_name(maker, NULL, chat->tools->name);
    if ((chat->tool_choice == TOOL_CHOICE_REQUIRED && maker_may(maker, CARRIED_allowed, 2)) ||
        (chat->tool_choice == TOOL_CHOICE_AUTO && maker_may(maker, CARRIED_allowed_auto, 2)))
        allow_some(maker);
    if (maker_may(maker, CARRIED_parallel, 4))
        chat->parallel = MAYBE_TRUE;
    else if (chat->tool_choice != TOOL_CHOICE_ABSENT && chat->tool_choice != TOOL_CHOICE_NONE &&
             maker_may(maker, CARRIED_parallel_never, 4))
        chat->parallel = MAYBE_FALSE;
}

void chats_make_tools(struct chat_maker *maker)
{
    unsigned count = luck_once_in(&maker->luck, 2) ? 0 : luck_below(&maker->luck, TOOLS_LIMIT);

    for (unsigned i = 0; i < count; i++)
        add_tool(maker, i);
    if (count > 0)
        make_choice(maker);
    if (count > 0 && maker_may(maker, CARRIED_hosted, 6))
        make_hosted(maker);
    maker->chat->wants_sources = maker_may(maker, CARRIED_hosted_include, 4);
    maker->chat->wants_outputs = maker_may(maker, CARRIED_hosted_include, 4);
}

/* ---- fields ------------------------------------------------------------------------------ */

static struct json_value word(const char *const *words, size_t count, struct chat_maker *maker)
{
    const char *chosen = words[luck_below(&maker->luck, (uint32_t)count)];

    return luck_string(&maker->luck, (struct text){chosen, strlen(chosen)});
}

#define ONE_OF(...)                          \
    word((const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), maker)

static struct json_value boolean(struct chat_maker *maker)
{
    return luck_once_in(&maker->luck, 2) ? (struct json_value){JSON_TRUE, SPAN("true")}
                                         : (struct json_value){JSON_FALSE, SPAN("false")};
}

static struct json_value modalities(void)
{
    return (struct json_value){JSON_ARRAY, SPAN("[\"text\",\"audio\"]")};
}

static struct json_value tier(struct chat_maker *maker)
{
    if (maker->dialect == DIALECT_anthropic)
        return ONE_OF("auto", "default");
    if (maker->dialect == DIALECT_gemini)
        return ONE_OF("default", "flex", "priority");
    return ONE_OF("auto", "default", "flex", "priority");
}

static struct json_value number_of(struct chat_maker *maker, enum chat_field field)
{
    switch ((int)field) {
    case CHAT_max_output: return luck_integer(&maker->luck, 4096, 30000);
    case CHAT_top_k: return luck_integer(&maker->luck, 1, 100);
    case CHAT_choice_count: return luck_integer(&maker->luck, 1, 4);
    case CHAT_seed: return luck_integer(&maker->luck, 0, INT32_MAX);
    case CHAT_max_tool_calls:
    case CHAT_top_logprobs: return luck_integer(&maker->luck, 0, 20);
    default: return luck_fraction(&maker->luck);
    }
}

static struct json_value value_of(struct chat_maker *maker, enum chat_field field)
{
    switch ((int)field) {
    case CHAT_max_output:
    case CHAT_temperature:
    case CHAT_top_p:
    case CHAT_top_k:
    case CHAT_choice_count:
    case CHAT_seed:
    case CHAT_presence_penalty:
    case CHAT_frequency_penalty:
    case CHAT_top_logprobs:
    case CHAT_max_tool_calls: return number_of(maker, field);
    case CHAT_logprobs:
    case CHAT_store: return boolean(maker);
    case CHAT_user:
    case CHAT_safety_identifier:
    case CHAT_prompt_cache_key:
    case CHAT_cached_content:
    case CHAT_inference_geo: return luck_string(&maker->luck, luck_name(&maker->luck));
    case CHAT_verbosity: return ONE_OF("low", "medium", "high");
    case CHAT_truncation: return ONE_OF("auto", "disabled");
    case CHAT_service_tier: return tier(maker);
    case CHAT_modalities: return modalities();
    default: return luck_object(&maker->luck);
    }
}

/* What no request of DIALECT says to a provider: of vendors that only look like it, or of a
 * memory that is the gateway's own. */
static bool is_foreign(enum dialect_id dialect, enum chat_field field)
{
    static const bool never[CHAT_FIELD_COUNT] = {
        [CHAT_vendor_thinking] = true, [CHAT_vendor_reasoning] = true, [CHAT_previous] = true,
        [CHAT_conversation] = true,    [CHAT_background] = true,       [CHAT_prompt] = true,
    };

    return never[field] || (field == CHAT_top_k && dialect == DIALECT_openai) ||
           !chat_field_known(field, dialect);
}

/* Whether another setting must be there too, or must not. */
static void settle_fields(struct chat_maker *maker)
{
    struct json_value *fields = maker->chat->fields;

    if (maker->dialect == DIALECT_responses) {
        fields[CHAT_store] = boolean(maker);
        if (fields[CHAT_logprobs].kind == JSON_FALSE)
            fields[CHAT_logprobs] = (struct json_value){.kind = JSON_ABSENT};
    }
    if (maker->dialect == DIALECT_anthropic)
        fields[CHAT_max_output] = number_of(maker, CHAT_max_output);
    if (fields[CHAT_store].kind != JSON_TRUE)
        fields[CHAT_metadata] = (struct json_value){.kind = JSON_ABSENT};
}

static void make_fields(struct chat_maker *maker)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;

        if (!is_foreign(maker->dialect, field) && luck_once_in(&maker->luck, 5))
            maker->chat->fields[field] = value_of(maker, field);
    }
    settle_fields(maker);
}

/* ---- the answer's form ------------------------------------------------------------------- */

static void make_schema(struct chat_maker *maker)
{
    struct chat *chat = maker->chat;

    chat->format.kind = FORMAT_SCHEMA;
    chat->format.schema = luck_schema(&maker->luck);
    if (!carries(maker->dialect, CARRIED_format_name))
        return;
    chat->format.name = luck_name(&maker->luck);
    if (luck_once_in(&maker->luck, 2))
        chat->format.description = luck_words(&maker->luck);
    chat->format.strict = luck_once_in(&maker->luck, 2) ? MAYBE_TRUE : MAYBE_FALSE;
}

static void make_format(struct chat_maker *maker)
{
    struct chat *chat = maker->chat;

    if (luck_once_in(&maker->luck, 4))
        make_schema(maker);
    else if (maker_may(maker, CARRIED_format_json, 4))
        chat->format.kind = FORMAT_JSON;
    else if (maker_may(maker, CARRIED_format_text, 4))
        chat->format.kind = FORMAT_TEXT;
    /* The two stand in one object, whose other member is always said. */
    if (maker->dialect == DIALECT_responses && chat->format.kind == FORMAT_ABSENT &&
        chat_has(chat, CHAT_verbosity))
        chat->format.kind = FORMAT_TEXT;
}

/* ---- reasoning --------------------------------------------------------------------------- */

static enum effort effort_between(struct chat_maker *maker, enum effort low, enum effort high)
{
    return (enum effort)(low + luck_below(&maker->luck, (uint32_t)(high - low + 1)));
}

static bool is_forced(const struct chat *chat)
{
    return chat->tool_choice == TOOL_CHOICE_REQUIRED || chat->tool_choice == TOOL_CHOICE_NAMED;
}

static bool ends_in_calls_without_thoughts(const struct chat *chat)
{
    const struct message *last = NULL;

    for (const struct message *at = chat->messages; at; at = at->next)
        last = at->role == ROLE_assistant ? at : last;
    return last && last->last->kind == BLOCK_tool_call && last->blocks->kind != BLOCK_reasoning;
}

/* Thoughts exclude a choice of how words are drawn, and calls that must be made. */
static void make_thinking(struct chat_maker *maker)
{
    struct reasoning *reasoning = &maker->chat->reasoning;
    struct json_value *fields = maker->chat->fields;

    if (is_forced(maker->chat) ||
        (maker->by_budget && ends_in_calls_without_thoughts(maker->chat)))
        return;
    if (!maker->by_budget && luck_once_in(&maker->luck, 4)) {
        reasoning->effort = EFFORT_NONE;
        return;
    }
    reasoning->shown = MAYBE_TRUE;
    if (maker->by_budget) {
        reasoning->budget = luck_integer(&maker->luck, 1024, 4000);
    } else {
        reasoning->adaptive = true;
        reasoning->shown = luck_once_in(&maker->luck, 2) ? MAYBE_TRUE : MAYBE_FALSE;
        if (luck_once_in(&maker->luck, 2))
            reasoning->effort = (uint8_t)effort_between(maker, EFFORT_LOW, EFFORT_MAX);
    }
    fields[CHAT_temperature] = fields[CHAT_top_p] = fields[CHAT_top_k] =
        (struct json_value){.kind = JSON_ABSENT};
}

/* By a number of tokens, which 0 switches off and one below leaves to the model; or by a word.
 */
static void make_level(struct chat_maker *maker)
{
    struct reasoning *reasoning = &maker->chat->reasoning;

    if (!maker->by_budget) {
        reasoning->effort = (uint8_t)effort_between(maker, EFFORT_MINIMAL, EFFORT_HIGH);
    } else if (luck_once_in(&maker->luck, 4)) {
        reasoning->effort = EFFORT_NONE;
        return;
    } else if (luck_once_in(&maker->luck, 4)) {
        reasoning->adaptive = true;
    } else {
        reasoning->budget = luck_integer(&maker->luck, 1, 30000);
    }
    reasoning->shown = MAYBE_TRUE;
}

static void make_reasoning(struct chat_maker *maker)
{
    struct reasoning *reasoning = &maker->chat->reasoning;

    if (!luck_once_in(&maker->luck, 3))
        return;
    if (maker->dialect == DIALECT_anthropic) {
        make_thinking(maker);
    } else if (maker->dialect == DIALECT_gemini) {
        make_level(maker);
    } else {
        reasoning->effort = (uint8_t)effort_between(maker, EFFORT_NONE, EFFORT_MAX);
        if (maker->dialect == DIALECT_responses && luck_once_in(&maker->luck, 2)) {
            reasoning->summary = TEXT("detailed");
            reasoning->shown = MAYBE_TRUE;
        }
    }
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void make_extras(struct chat_maker *maker)
{
    struct extra *extra;

    if (!maker_may(maker, CARRIED_extras, 4))
        return;
    extra = ARENA_NEW(maker->luck.arena, struct extra);
    extra->key = SPAN("x_unheard_of");
    extra->value = luck_object(&maker->luck);
    maker->chat->extras = extra;
}

static void make_stream(struct chat_maker *maker)
{
    struct chat *chat = maker->chat;

    chat->stream = maker->dialect != DIALECT_gemini && luck_once_in(&maker->luck, 2);
    chat->wants_usage = chat->stream && maker->dialect != DIALECT_responses;
}

void chats_make_settings(struct chat_maker *maker)
{
    unsigned stops = carries(maker->dialect, CARRIED_stops) ? luck_below(&maker->luck, 8) : 0;

    for (; stops > 4; stops--)
        chat_add_stop(maker->chat, luck_words(&maker->luck), maker->luck.arena);
    make_fields(maker);
    make_format(maker);
    make_reasoning(maker);
    make_extras(maker);
    make_stream(maker);
}
