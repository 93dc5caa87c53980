/* Requests on the way out: everything but messages and tools. */
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"

#include "worker/translate/openai/openai_writing.h"

#define STOP_LIMIT       4
#define USER_LIMIT_BYTES 64

void openai_drop_word(struct chat_writing *writing, enum client_word word)
{
    static const struct span words[CLIENT_WORD_COUNT][DIALECT_COUNT] = {
        [CLIENT_effort] = {WORD("reasoning_effort"), WORD("reasoning.effort"), WORD("thinking"),
                           WORD("generationConfig.thinkingConfig")},
        [CLIENT_reasoning] = {WORD("messages.reasoning_content"), WORD("input.reasoning"),
                              WORD("messages.thinking"), WORD("contents.thought")},
        [CLIENT_format] = {WORD("response_format"), WORD("text.format"),
                           WORD("output_config.format"),
                           WORD("generationConfig.responseJsonSchema")},
        [CLIENT_tool_choice] = {WORD("tool_choice"), WORD("tool_choice"), WORD("tool_choice"),
                                WORD("toolConfig")},
        [CLIENT_stop] = {WORD("stop"), WORD("stop"), WORD("stop_sequences"),
                         WORD("generationConfig.stopSequences")},
        [CLIENT_cache] = {WORD("cache_control"), WORD("cache_control"), WORD("cache_control"),
                          WORD("cachedContent")},
    };

    drop(writing->t, words[word][writing->chat->dialect]);
}

bool openai_refuse_block(struct chat_writing *writing, const struct block *block,
                         const char *why)
{
    struct path place = {.key = turns_place(writing->chat, block, writing->arena)};

    return refuse_as(writing->t, COMPLAINT_unsupported, &place, why);
}

static void drop_field(struct chat_writing *writing, enum chat_field field)
{
    drop(writing->t, chat_field_name(field, writing->chat->dialect));
}

/* ---- fields ------------------------------------------------------------------------------ */

enum field_flag {
    OWN = 1,       /* only OpenAI itself has it */
    SAMPLING = 2,  /* refused while a model reasons */
    LOGPROBS = 4,  /* see QUIRK_NO_LOGPROBS */
    COMMON = 8,    /* even hosts that refuse unknown members know it */
    SAME_FORM = 16 /* other dialects mean something else by it */
};

static const uint8_t field_flags[CHAT_FIELD_COUNT] = {
    [CHAT_temperature] = SAMPLING | COMMON,
    [CHAT_top_p] = SAMPLING | COMMON,
    [CHAT_choice_count] = COMMON,
    [CHAT_seed] = COMMON,
    [CHAT_presence_penalty] = SAMPLING | COMMON,
    [CHAT_frequency_penalty] = SAMPLING | COMMON,
    [CHAT_logit_bias] = SAMPLING | LOGPROBS,
    [CHAT_logprobs] = SAMPLING | LOGPROBS,
    [CHAT_top_logprobs] = SAMPLING | LOGPROBS,
    [CHAT_safety_identifier] = OWN,
    [CHAT_metadata] = OWN,
    [CHAT_service_tier] = OWN,
    [CHAT_verbosity] = OWN,
    [CHAT_store] = OWN,
    [CHAT_prompt_cache_key] = OWN,
    [CHAT_prediction] = COMMON,
    [CHAT_modalities] = SAME_FORM,
    [CHAT_moderation] = OWN,
};

/* Whether the model will reason, as far as the request decides. */
static bool reasons(const struct chat_writing *writing)
{
    uint8_t effort = writing->chat->reasoning.effort;

    if (!has_trait(writing, TRAIT_THINKS_BY_EFFORT))
        return false;
    if (has_trait(writing, TRAIT_THINKS_ALWAYS))
        return true;
    if (effort == EFFORT_ABSENT)
        return !has_trait(writing, TRAIT_THINKS_WHEN_ASKED) ||
               writing->chat->reasoning.budget.kind == JSON_NUMBER;
    return effort != EFFORT_NONE;
}

static bool takes_field(const struct chat_writing *writing, enum chat_field field)
{
    uint8_t flags = field_flags[field];

    if ((flags & OWN) && is_look_alike(writing))
        return false;
    if ((flags & SAMPLING) && has_trait(writing, TRAIT_NO_SAMPLING) && reasons(writing))
        return false;
    if ((flags & LOGPROBS) && has_quirk(writing, QUIRK_NO_LOGPROBS))
        return false;
    if (!(flags & COMMON) && has_quirk(writing, QUIRK_STRICT_MEMBERS))
        return false;
    if ((flags & SAME_FORM) && writing->chat->dialect != DIALECT_openai)
        return false;
    /* OpenAI keeps metadata with stored completions only. */
    return field != CHAT_metadata || writing->chat->fields[CHAT_store].kind == JSON_TRUE;
}

static void write_user(struct chat_writing *writing, struct json_value value)
{
    struct text user = text_of(value);
    uint8_t hash[32];
    char digits[USER_LIMIT_BYTES];

    json_write_key(writing->json, SPAN("user"));
    if (user.len <= USER_LIMIT_BYTES) {
        json_write_raw(writing->json, value.raw);
        return;
    }
    hash_sha256(span_of(user.ptr, user.len), hash);
    encode_hex(hash, sizeof(hash), digits);
    json_write_text(writing->json, span_of(digits, sizeof(digits)));
}

bool openai_number_is(struct json_value value, double low, double high)
{
    char text[64] = "";
    double number;

    if (value.kind != JSON_NUMBER || value.raw.len >= sizeof(text))
        return false;
    memcpy(text, value.raw.ptr, value.raw.len);
    number = strtod(text, NULL);
    return number >= low && number <= high;
}

/* A temperature between 0 and 1, without the two. */
static void write_open_temperature(struct chat_writing *writing, struct json_value value)
{
    if (openai_number_is(value, -1e9, 0)) {
        json_write_member_bool(writing->json, SPAN("do_sample"), false);
        return;
    }
    json_write_key(writing->json, SPAN("temperature"));
    json_write_raw(writing->json, openai_number_is(value, 1, 1e9) ? SPAN("0.99") : value.raw);
}

static void write_field(struct chat_writing *writing, enum chat_field field, struct span name)
{
    struct json_value value = writing->chat->fields[field];

    if (field == CHAT_user) {
        write_user(writing, value);
    } else if (field == CHAT_temperature && has_quirk(writing, QUIRK_OPEN_TEMPERATURE)) {
        write_open_temperature(writing, value);
    } else {
        if (field == CHAT_seed && has_quirk(writing, QUIRK_RANDOM_SEED))
            name = SPAN("random_seed");
        json_write_key(writing->json, name);
        json_write_raw(writing->json, value.raw);
    }
}

static void write_fields(struct chat_writing *writing)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;
        struct span name = chat_field_plain(field, DIALECT_openai);

        if (name.len == 0 || !chat_has(writing->chat, field))
            continue;
        if (takes_field(writing, field))
            write_field(writing, field, name);
        else
            drop_field(writing, field);
    }
}

/* ---- members with their own form --------------------------------------------------------- */

static bool write_choice_count(struct chat_writing *writing)
{
    struct path path = {.key = chat_field_name(CHAT_choice_count, writing->chat->dialect)};

    if (!has_quirk(writing, QUIRK_ONE_CHOICE) || !chat_has(writing->chat, CHAT_choice_count))
        return true;
    return openai_number_is(writing->chat->fields[CHAT_choice_count], 1, 1) ||
           refuse_as(writing->t, COMPLAINT_unsupported, &path,
                     "must be 1: the provider answers once");
}

static void write_limit(struct chat_writing *writing)
{
    if (!chat_has(writing->chat, CHAT_max_output))
        return;
    json_write_key(writing->json, has_quirk(writing, QUIRK_MAX_TOKENS_OLD)
                                      ? SPAN("max_tokens")
                                      : SPAN("max_completion_tokens"));
    json_write_raw(writing->json, writing->chat->fields[CHAT_max_output].raw);
}

void openai_write_stops(struct chat_writing *writing, unsigned limit)
{
    const struct text_item *stop = writing->chat->stops;

    if (!stop)
        return;
    json_write_key(writing->json, SPAN("stop"));
    json_write_array(writing->json);
    for (; stop && limit > 0; stop = stop->next, limit--)
        text_write(writing->json, stop->text);
    json_write_array_end(writing->json);
    if (stop)
        openai_drop_word(writing, CLIENT_stop);
}

static void write_stops(struct chat_writing *writing)
{
    if (!has_trait(writing, TRAIT_NO_STOP))
        openai_write_stops(writing, has_quirk(writing, QUIRK_ONE_STOP) ? 1 : STOP_LIMIT);
    else if (writing->chat->stops)
        openai_drop_word(writing, CLIENT_stop);
}

static void write_stream(struct chat_writing *writing)
{
    if (!writing->chat->stream)
        return;
    json_write_member_bool(writing->json, SPAN("stream"), true);
    if (has_quirk(writing, QUIRK_NO_STREAM_OPTIONS))
        return;
    /* Asked for in every case: it is counted here, and given on to who asked. */
    json_write_key(writing->json, SPAN("stream_options"));
    json_write_raw(writing->json, SPAN("{\"include_usage\":true}"));
}

/* ---- reasoning --------------------------------------------------------------------------- */

/* The effort that stands for a number of tokens. */
static enum effort effort_of_budget(struct json_value budget)
{
    if (openai_number_is(budget, -1e12, -1))
        return EFFORT_MEDIUM;
    if (openai_number_is(budget, 0, 0))
        return EFFORT_NONE;
    if (openai_number_is(budget, 10000, 1e12))
        return EFFORT_HIGH;
    if (openai_number_is(budget, 5000, 10000))
        return EFFORT_MEDIUM;
    return openai_number_is(budget, 2000, 5000) ? EFFORT_LOW : EFFORT_MINIMAL;
}

/* What was asked for, as the model knows it. */
static enum effort target_effort(const struct chat_writing *writing)
{
    const struct reasoning *reasoning = &writing->chat->reasoning;
    enum effort effort = (enum effort)reasoning->effort;

    if (effort == EFFORT_ABSENT && reasoning->budget.kind == JSON_NUMBER)
        effort = effort_of_budget(reasoning->budget);
    if (effort == EFFORT_ABSENT && reasoning->adaptive)
        effort = EFFORT_HIGH;
    if (effort == EFFORT_MAX && has_trait(writing, TRAIT_NO_MAX))
        effort = EFFORT_XHIGH;
    if (effort == EFFORT_XHIGH && has_trait(writing, TRAIT_NO_XHIGH))
        effort = EFFORT_HIGH;
    if (effort == EFFORT_MINIMAL && has_trait(writing, TRAIT_NO_MINIMAL))
        effort = EFFORT_LOW;
    if (effort == EFFORT_NONE && has_trait(writing, TRAIT_THINKS_ALWAYS))
        effort = has_trait(writing, TRAIT_NO_MINIMAL) ? EFFORT_LOW : EFFORT_MINIMAL;
    return effort;
}

/* The switch in the words of a look-alike, from a client who used them. */
static bool write_vendor_switches(struct chat_writing *writing)
{
    static const struct {
        enum chat_field field;
        struct span name;
    } rows[] = {
        {CHAT_vendor_thinking, WORD("thinking")},
        {CHAT_vendor_reasoning, WORD("reasoning")},
    };

    bool written = false;

    for (unsigned i = 0; i < ARRAY_LEN(rows) && is_look_alike(writing); i++) {
        if (!chat_has(writing->chat, rows[i].field))
            continue;
        json_write_key(writing->json, rows[i].name);
        json_write_raw(writing->json, writing->chat->fields[rows[i].field].raw);
        written = true;
    }
    return written;
}

static void write_effort(struct chat_writing *writing)
{
    enum effort effort = target_effort(writing);

    if (write_vendor_switches(writing))
        return;
    /* Some models refuse functions while they reason, in chat completions only. */
    if (has_trait(writing, TRAIT_NO_TOOLS_WHILE_REASONING) &&
        openai_lists_tools(writing->chat) && effort != EFFORT_NONE) {
        if (effort != EFFORT_ABSENT)
            openai_drop_word(writing, CLIENT_effort);
        effort = has_trait(writing, TRAIT_THINKS_WHEN_ASKED) ? EFFORT_ABSENT : EFFORT_NONE;
    }
    if (effort == EFFORT_ABSENT)
        return;
    if (!has_trait(writing, TRAIT_THINKS_BY_EFFORT) ||
        has_quirk(writing, QUIRK_STRICT_MEMBERS)) {
        if (effort != EFFORT_NONE)
            openai_drop_word(writing, CLIENT_effort);
        return;
    }
    json_write_member_text(writing->json, SPAN("reasoning_effort"), openai_effort_text(effort));
}

/* ---- the format of the answer ------------------------------------------------------------ */

static void write_schema_format(struct chat_writing *writing)
{
    struct json_writer *json = writing->json;
    const struct chat *chat = writing->chat;

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("json_schema"));
    json_write_key(json, SPAN("json_schema"));
    json_write_object(json);
    text_write_member(json, SPAN("name"),
                      chat->format.name.len > 0 ? chat->format.name
                                                : TEXT("structured_output"));
    text_write_known(json, SPAN("description"), chat->format.description);
    if (chat->format.schema.kind == JSON_OBJECT) {
        json_write_key(json, SPAN("schema"));
        json_write_raw(json, chat->format.schema.raw);
    }
    if (chat->format.strict != MAYBE_ABSENT)
        json_write_member_bool(json, SPAN("strict"), chat->format.strict == MAYBE_TRUE);
    json_write_object_end(json);
    json_write_object_end(json);
}

static bool knows_schemas(const struct chat_writing *writing)
{
    return !has_quirk(writing, QUIRK_JSON_OBJECT_ONLY) &&
           has_trait(writing, TRAIT_SCHEMA_OUTPUT);
}

static void write_format(struct chat_writing *writing)
{
    uint8_t kind = writing->chat->format.kind;

    if (kind == FORMAT_ABSENT || (kind == FORMAT_TEXT && is_look_alike(writing)))
        return;
    json_write_key(writing->json, SPAN("response_format"));
    if (kind == FORMAT_SCHEMA && knows_schemas(writing))
        write_schema_format(writing);
    else
        json_write_raw(writing->json, kind == FORMAT_TEXT ? SPAN("{\"type\":\"text\"}")
                                                          : SPAN("{\"type\":\"json_object\"}"));
}

/* What the system has to say where the target has no member for it. OpenAI refuses json_object
 * when no message speaks of JSON, and clients of other dialects need not. */
struct text openai_format_instruction(const struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->format.kind == FORMAT_SCHEMA && !knows_schemas(writing))
        return text_join(TEXT("Answer with one JSON object that fits this JSON schema, and "
                              "nothing else: "),
                         text_escape(chat->format.schema.raw, writing->arena), writing->arena);
    if (chat->format.kind == FORMAT_JSON && chat->dialect != DIALECT_openai)
        return TEXT("Answer with one JSON object and nothing else.");
    return TEXT_NONE;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void write_service_tier(struct chat_writing *writing)
{
    struct json_value tier = writing->chat->fields[CHAT_service_tier];

    if (!chat_has(writing->chat, CHAT_service_tier))
        return;
    if (is_look_alike(writing) || !chat_is_tier(tier)) {
        drop_field(writing, CHAT_service_tier);
        return;
    }
    json_write_key(writing->json, SPAN("service_tier"));
    json_write_raw(writing->json, tier.raw);
}

/* OpenAI does not have it; most others do. */
static void write_top_k(struct chat_writing *writing)
{
    if (!chat_has(writing->chat, CHAT_top_k))
        return;
    if (!is_look_alike(writing) || has_quirk(writing, QUIRK_STRICT_MEMBERS)) {
        drop_field(writing, CHAT_top_k);
        return;
    }
    json_write_key(writing->json, SPAN("top_k"));
    json_write_raw(writing->json, writing->chat->fields[CHAT_top_k].raw);
}

static void write_extras(struct chat_writing *writing)
{
    const struct extra *extra = writing->chat->extras;

    for (; writing->chat->dialect == DIALECT_openai && extra; extra = extra->next) {
        json_write_key(writing->json, json_inside_text(extra->key, writing->arena));
        json_write_raw(writing->json, extra->value.raw);
    }
}

bool openai_write_chat(struct translation *t, const struct chat *chat, struct json_writer *json)
{
    struct chat_writing writing = {
        .t = t,
        .arena = t->arena,
        .chat = chat,
        .json = json,
        .quirks = t->target.quirks,
        .traits = t->target.traits ? t->target.traits->traits
                                   : model_traits(t->target.model, DIALECT_openai)->traits,
    };

    writing.instruction = openai_format_instruction(&writing);
    json_write_object(json);
    json_write_member_text(json, SPAN("model"), t->target.model);
    json_write_key(json, SPAN("messages"));
    if (!openai_write_messages(&writing) || !write_choice_count(&writing))
        return false;
    openai_write_tools(&writing);
    write_limit(&writing);
    write_stops(&writing);
    write_stream(&writing);
    write_format(&writing);
    write_effort(&writing);
    write_service_tier(&writing);
    write_top_k(&writing);
    write_fields(&writing);
    write_extras(&writing);
    json_write_object_end(json);
    drop_strangers(t, chat, DIALECT_openai);
    return true;
}
