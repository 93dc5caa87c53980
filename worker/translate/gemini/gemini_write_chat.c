/* Requests to a provider: the outermost object and generationConfig. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/schema.h"

#define CONFIG_MARK SPAN("g.")

bool gemini_has_trait(const struct gemini_writing *writing, uint32_t trait)
{
    return (writing->t->target.traits->traits & trait) != 0;
}

/* ---- generationConfig ------------------------------------------------------------------ */

/* Begins generationConfig with its first member. */
static struct json_writer *config_key(struct gemini_writing *writing, struct span key)
{
    if (!writing->config_open) {
        json_write_key(writing->json, SPAN("generationConfig"));
        json_write_object(writing->json);
        writing->config_open = true;
    }
    json_write_key(writing->json, key);
    return writing->json;
}

static void write_fields(struct gemini_writing *writing, bool config)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        struct span name = chat_field_plain((enum chat_field)i, DIALECT_gemini);

        if (name.len == 0 || !chat_has(writing->chat, (enum chat_field)i) ||
            span_starts(name, CHAT_FIELD_CONFIG) != config)
            continue;
        if (config)
            (void)config_key(writing, span_skip(name, CHAT_FIELD_CONFIG.len));
        else
            json_write_key(writing->json, name);
        json_write_raw(writing->json, writing->chat->fields[i].raw);
    }
}

static void drop_field(struct gemini_writing *writing, enum chat_field field)
{
    drop(writing->t, chat_field_name(field, writing->chat->dialect));
}

/* Only 32 bits are taken. */
static void write_seed(struct gemini_writing *writing)
{
    struct json_value seed = writing->chat->fields[CHAT_seed], digits = seed;
    uint64_t number;

    if (!chat_has(writing->chat, CHAT_seed))
        return;
    if (span_starts(digits.raw, SPAN("-")))
        digits.raw = span_skip(digits.raw, 1);
    if (!json_u64(digits, &number) || number > INT32_MAX)
        drop_field(writing, CHAT_seed);
    else
        json_write_raw(config_key(writing, SPAN("seed")), seed.raw);
}

static struct span stops_name(const struct chat *chat)
{
    return chat->dialect == DIALECT_anthropic ? SPAN("stop_sequences")
           : chat->dialect == DIALECT_gemini  ? SPAN("generationConfig.stopSequences")
                                              : SPAN("stop");
}

static void write_stops(struct gemini_writing *writing)
{
    unsigned count = 0;

    for (const struct text_item *stop = writing->chat->stops; stop; stop = stop->next) {
        if (stop->text.len == 0)
            continue;
        if (count == GEMINI_STOPS_MAX) {
            drop(writing->t, stops_name(writing->chat));
            break;
        }
        if (count++ == 0)
            json_write_array(config_key(writing, SPAN("stopSequences")));
        text_write(writing->json, stop->text);
    }
    if (count > 0)
        json_write_array_end(writing->json);
}

static void write_modalities(struct gemini_writing *writing)
{
    struct json_value list = writing->chat->fields[CHAT_modalities], item;
    struct json_walk walk;
    struct span key;

    if (!chat_has(writing->chat, CHAT_modalities) || list.kind != JSON_ARRAY)
        return;
    json_write_array(config_key(writing, SPAN("responseModalities")));
    for (walk = json_walk(list); json_next(&walk, &key, &item);) {
        struct text word = text_of(item);
        char capitals[16];

        if (!word.ptr || word.len > sizeof(capitals))
            continue;
        for (size_t i = 0; i < word.len; i++)
            capitals[i] = word.ptr[i] >= 'a' && word.ptr[i] <= 'z'
                              ? (char)(word.ptr[i] - 'a' + 'A')
                              : word.ptr[i];
        json_write_inside(writing->json, span_of(capitals, word.len));
    }
    json_write_array_end(writing->json);
}

/* ---- the answer's form ----------------------------------------------------------------- */

static struct span format_name(const struct chat *chat)
{
    static const struct span names[] = {
        [DIALECT_openai] = WORD("response_format"),
        [DIALECT_responses] = WORD("text.format"),
        [DIALECT_anthropic] = WORD("output_config.format"),
        [DIALECT_gemini] = WORD("generationConfig.responseMimeType"),
    };

    return names[chat->dialect];
}

static bool write_schema(struct gemini_writing *writing)
{
    struct json_value schema = writing->chat->format.schema;
    struct path path = {.key = format_name(writing->chat)};

    if (schema.kind != JSON_OBJECT)
        return true;
    if (gemini_has_trait(writing, TRAIT_SCHEMA_OUTPUT)) {
        json_write_raw(config_key(writing, SPAN("responseJsonSchema")), schema.raw);
        return true;
    }
    if (!schema_sanitise(schema, writing->t->arena, &schema))
        return refuse(writing->t, &path, "has a schema that is too deep or too large");
    if (schema.kind == JSON_OBJECT)
        json_write_raw(config_key(writing, SPAN("responseSchema")), schema.raw);
    return true;
}

static bool write_format(struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->format.kind != FORMAT_JSON && chat->format.kind != FORMAT_SCHEMA)
        return true;
    if (gemini_writes_tools(writing) && !gemini_has_trait(writing, TRAIT_FORMAT_WITH_TOOLS)) {
        drop(writing->t, format_name(chat));
        return true;
    }
    json_write_text(config_key(writing, SPAN("responseMimeType")), SPAN("application/json"));
    return chat->format.kind != FORMAT_SCHEMA || write_schema(writing);
}

/* ---- reasoning ------------------------------------------------------------------------- */

static const uint32_t budgets[] = {
    [EFFORT_NONE] = 0,      [EFFORT_MINIMAL] = 1024, [EFFORT_LOW] = 1024,
    [EFFORT_MEDIUM] = 8192, [EFFORT_HIGH] = 24576,   [EFFORT_XHIGH] = 32768,
    [EFFORT_MAX] = 32768,
};

static uint64_t budget_wanted(const struct reasoning *reasoning)
{
    uint64_t budget;

    if (reasoning->effort != EFFORT_NONE && json_u64(reasoning->budget, &budget))
        return budget;
    return budgets[reasoning->effort];
}

static void write_budget(struct gemini_writing *writing)
{
    const struct reasoning *reasoning = &writing->chat->reasoning;
    const struct model_traits *traits = writing->t->target.traits;
    uint64_t budget;

    json_write_key(writing->json, SPAN("thinkingBudget"));
    if (reasoning->adaptive && reasoning->effort == EFFORT_ABSENT) {
        json_write_i64(writing->json, -1);
        return;
    }
    budget = budget_wanted(reasoning);
    if (budget > traits->budget_max && traits->budget_max > 0)
        budget = traits->budget_max;
    if (budget < traits->budget_min &&
        (budget > 0 || gemini_has_trait(writing, TRAIT_THINKS_ALWAYS)))
        budget = traits->budget_min;
    json_write_u64(writing->json, budget);
}

static enum effort level_wanted(const struct reasoning *reasoning)
{
    uint64_t budget;

    if (reasoning->effort != EFFORT_ABSENT)
        return (enum effort)reasoning->effort;
    if (!json_u64(reasoning->budget, &budget))
        return EFFORT_ABSENT;
    return budget <= budgets[EFFORT_LOW] * 2  ? EFFORT_LOW
           : budget <= budgets[EFFORT_MEDIUM] ? EFFORT_MEDIUM
                                              : EFFORT_HIGH;
}

/* The same as the model knows it. */
static enum effort level_of(const struct gemini_writing *writing)
{
    enum effort level = level_wanted(&writing->chat->reasoning);

    if (level == EFFORT_NONE)
        level = EFFORT_MINIMAL;
    if (level > EFFORT_HIGH)
        level = EFFORT_HIGH;
    if (level == EFFORT_MINIMAL && gemini_has_trait(writing, TRAIT_NO_MINIMAL))
        level = EFFORT_LOW;
    if (level == EFFORT_MEDIUM && gemini_has_trait(writing, TRAIT_NO_MEDIUM))
        level = EFFORT_HIGH;
    return level;
}

static struct span reasoning_name(const struct chat *chat)
{
    static const struct span names[] = {
        [DIALECT_openai] = WORD("reasoning_effort"),
        [DIALECT_responses] = WORD("reasoning"),
        [DIALECT_anthropic] = WORD("thinking"),
        [DIALECT_gemini] = WORD("generationConfig.thinkingConfig"),
    };

    return names[chat->dialect];
}

/* Whether the client said how the model shall reason, not only whether it shall be shown. */
static bool says_how(const struct reasoning *reasoning)
{
    return reasoning->effort != EFFORT_ABSENT || reasoning->adaptive ||
           reasoning->budget.kind == JSON_NUMBER;
}

static void write_thinking(struct gemini_writing *writing, bool how, bool shown)
{
    json_write_object(config_key(writing, SPAN("thinkingConfig")));
    if (how && gemini_has_trait(writing, TRAIT_THINKS_BY_EFFORT))
        json_write_member_text(writing->json, SPAN("thinkingLevel"),
                               gemini_word_text(gemini_levels, (uint8_t)level_of(writing)));
    else if (how)
        write_budget(writing);
    if (shown)
        json_write_member_bool(writing->json, SPAN("includeThoughts"), true);
    json_write_object_end(writing->json);
}

static void write_reasoning(struct gemini_writing *writing)
{
    const struct reasoning *reasoning = &writing->chat->reasoning;
    bool how = says_how(reasoning);
    bool shown = reasoning->effort != EFFORT_NONE && reasoning->shown != MAYBE_FALSE;

    if (!how && reasoning->shown == MAYBE_ABSENT)
        return;
    if (!gemini_has_trait(writing, TRAIT_THINKS_BY_BUDGET | TRAIT_THINKS_BY_EFFORT)) {
        if (reasoning->effort != EFFORT_NONE)
            drop(writing->t, reasoning_name(writing->chat));
        return;
    }
    /* That the model decides goes without saying where a level is asked for. */
    if (gemini_has_trait(writing, TRAIT_THINKS_BY_EFFORT))
        how = level_of(writing) != EFFORT_ABSENT;
    if (how || shown)
        write_thinking(writing, how, shown);
}

bool gemini_write_config(struct gemini_writing *writing)
{
    write_fields(writing, true);
    write_seed(writing);
    write_stops(writing);
    write_modalities(writing);
    write_reasoning(writing);
    if (!write_format(writing))
        return false;
    if (writing->config_open)
        json_write_object_end(writing->json);
    return true;
}

/* ---- the outermost object -------------------------------------------------------------- */

static void write_tier(struct gemini_writing *writing)
{
    static const struct {
        struct span canonical, ours;
    } tiers[] = {{WORD("default"), WORD("standard")},
                 {WORD("flex"), WORD("flex")},
                 {WORD("priority"), WORD("priority")}};
    struct json_value tier = writing->chat->fields[CHAT_service_tier];

    if (!chat_has(writing->chat, CHAT_service_tier) || json_text_eq(tier, SPAN("auto")))
        return;
    for (unsigned i = 0; i < ARRAY_LEN(tiers); i++)
        if (json_text_eq(tier, tiers[i].canonical)) {
            json_write_member_text(writing->json, SPAN("serviceTier"), tiers[i].ours);
            return;
        }
    drop_field(writing, CHAT_service_tier);
}

/* Vendors' spellings of what `reasoning` says, and settings that have no place. */
static void drop_the_rest(struct gemini_writing *writing)
{
    drop_strangers(writing->t, writing->chat, DIALECT_gemini);
    if (writing->chat->parallel == MAYBE_FALSE)
        drop(writing->t, writing->chat->dialect == DIALECT_anthropic
                             ? SPAN("tool_choice.disable_parallel_tool_use")
                             : SPAN("parallel_tool_calls"));
}

bool gemini_write_chat(struct translation *t, const struct chat *chat, struct json_writer *json)
{
    struct gemini_writing writing = {.t = t, .chat = chat, .json = json};

    json_write_object(json);
    if (!gemini_write_contents(&writing) || !gemini_write_tools(&writing))
        return false;
    write_fields(&writing, false);
    write_tier(&writing);
    if (!gemini_write_config(&writing))
        return false;
    json_write_object_end(json);
    drop_the_rest(&writing);
    return true;
}
