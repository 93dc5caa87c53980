/* Requests, the outermost object: settings as the target's model takes them. */
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/schema_closed.h"

#define TEXT_LIMIT_USER_ID 256

void anthropic_drop_field(struct chat_writing *writing, enum chat_field field)
{
    struct span name = chat_field_name(field, (enum dialect_id)writing->chat->dialect);

    if (name.len > 0)
        drop(writing->t, name);
}

/* ---- sampling ---------------------------------------------------------------------------- */

static void write_field(struct chat_writing *writing, struct span key, enum chat_field field)
{
    json_write_key(writing->json, key);
    json_write_raw(writing->json, writing->chat->fields[field].raw);
}

static bool is_above_one(struct chat_writing *writing, struct json_value number)
{
    return strtod(arena_copy(writing->t->arena, number.raw).ptr, NULL) > 1.0;
}

static void write_temperature(struct chat_writing *writing)
{
    struct json_value temperature = writing->chat->fields[CHAT_temperature];

    json_write_key(writing->json, SPAN("temperature"));
    if (is_above_one(writing, temperature))
        json_write_u64(writing->json, 1);
    else
        json_write_raw(writing->json, temperature.raw);
}

static void write_sampling(struct chat_writing *writing)
{
    static const struct {
        struct span key;
        enum chat_field field;
    } rows[] = {
        {WORD("temperature"), CHAT_temperature},
        {WORD("top_p"), CHAT_top_p},
        {WORD("top_k"), CHAT_top_k},
    };

    bool none = writing_has(writing, TRAIT_NO_SAMPLING) || writing->thinking.on;
    bool one =
        writing_has(writing, TRAIT_ONE_SAMPLING) && chat_has(writing->chat, CHAT_temperature);

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        enum chat_field field = rows[i].field;

        if (!chat_has(writing->chat, field))
            continue;
        if (none || (one && field == CHAT_top_p))
            anthropic_drop_field(writing, field);
        else if (field == CHAT_temperature)
            write_temperature(writing);
        else
            write_field(writing, rows[i].key, field);
    }
}

/* ---- small settings ---------------------------------------------------------------------- */

static void write_stops(struct chat_writing *writing)
{
    static const struct span names[] = {
        [DIALECT_openai] = WORD("stop"),
        [DIALECT_responses] = WORD("stop"),
        [DIALECT_anthropic] = WORD("stop_sequences"),
        [DIALECT_gemini] = WORD("stopSequences"),
    };
    bool open = false;

    for (const struct text_item *stop = writing->chat->stops; stop; stop = stop->next) {
        if (text_blank(stop->text)) {
            drop(writing->t, names[writing->chat->dialect]);
            continue;
        }
        if (!open) {
            json_write_key(writing->json, SPAN("stop_sequences"));
            json_write_array(writing->json);
            open = true;
        }
        text_write(writing->json, stop->text);
    }
    if (open)
        json_write_array_end(writing->json);
}

static void write_user(struct chat_writing *writing)
{
    struct text user = text_of(writing->chat->fields[CHAT_user]);

    if (!chat_has(writing->chat, CHAT_user))
        return;
    if (user.len == 0 || user.len > TEXT_LIMIT_USER_ID) {
        anthropic_drop_field(writing, CHAT_user);
        return;
    }
    json_write_key(writing->json, SPAN("metadata"));
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("user_id"), user);
    json_write_object_end(writing->json);
}

static void write_service_tier(struct chat_writing *writing)
{
    struct json_value tier = writing->chat->fields[CHAT_service_tier];

    if (!chat_has(writing->chat, CHAT_service_tier))
        return;
    if (json_text_eq(tier, SPAN("auto")))
        json_write_member_text(writing->json, SPAN("service_tier"), SPAN("auto"));
    else if (json_text_eq(tier, SPAN("default")))
        json_write_member_text(writing->json, SPAN("service_tier"), SPAN("standard_only"));
    else
        anthropic_drop_field(writing, CHAT_service_tier);
}

/* Settings that only Claude's own clients have, as they stood. */
static void write_own_fields(struct chat_writing *writing)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;
        struct span name = chat_field_plain(field, DIALECT_anthropic);

        if (name.len == 0 || field == CHAT_max_output || !chat_has(writing->chat, field))
            continue;
        if (writing->chat->dialect == DIALECT_anthropic)
            write_field(writing, name, field);
        else
            anthropic_drop_field(writing, field);
    }
    if (writing->chat->dialect == DIALECT_anthropic)
        for (const struct extra *extra = writing->chat->extras; extra; extra = extra->next) {
            json_write_key(writing->json, extra->key);
            json_write_raw(writing->json, extra->value.raw);
        }
}

/* ---- output_config ----------------------------------------------------------------------- */

static void write_output_config(struct chat_writing *writing)
{
    bool schema = writing->chat->format.kind == FORMAT_SCHEMA &&
                  writing->chat->format.schema.kind == JSON_OBJECT &&
                  !anthropic_needs_format_tool(writing);
    uint8_t effort = writing->thinking.effort;

    if (!schema && effort == EFFORT_ABSENT)
        return;
    json_write_key(writing->json, SPAN("output_config"));
    json_write_object(writing->json);
    if (effort != EFFORT_ABSENT)
        json_write_member_text(writing->json, SPAN("effort"),
                               anthropic_word(anthropic_efforts, effort));
    if (schema) {
        json_write_key(writing->json, SPAN("format"));
        json_write_object(writing->json);
        json_write_member_text(writing->json, SPAN("type"), SPAN("json_schema"));
        json_write_key(writing->json, SPAN("schema"));
        json_write_raw(writing->json,
                       schema_close(writing->chat->format.schema, writing->t->arena));
        json_write_object_end(writing->json);
    }
    json_write_object_end(writing->json);
}

/* ---- all of it --------------------------------------------------------------------------- */

static bool asks_for_one(struct chat_writing *writing)
{
    struct path path = {
        .key = chat_field_name(CHAT_choice_count, (enum dialect_id)writing->chat->dialect)};

    return !chat_has(writing->chat, CHAT_choice_count) ||
           span_eq(writing->chat->fields[CHAT_choice_count].raw, SPAN("1")) ||
           refuse_as(writing->t, COMPLAINT_unsupported, &path,
                     "must be 1: the model gives one answer");
}

static void make_turns(struct chat_writing *writing)
{
    uint32_t flags = TURNS_USER_FIRST;

    if (writing->chat->dialect != DIALECT_anthropic)
        flags |= TURNS_ACT_WORDS;
    if (writing_has(writing, TRAIT_MID_SYSTEM))
        flags |= TURNS_MID_SYSTEM;
    if (writing_has(writing, TRAIT_NO_PREFILL) || writing->thinking.on)
        flags |= TURNS_USER_LAST;
    turns_make(writing->t, writing->chat, flags, anthropic_says, &writing->turns);
}

static void write_settings(struct chat_writing *writing)
{
    write_sampling(writing);
    write_stops(writing);
    write_user(writing);
    write_service_tier(writing);
    write_own_fields(writing);
    if (writing->chat->stream)
        json_write_member_bool(writing->json, SPAN("stream"), true);
}

static bool write_body(struct chat_writing *writing)
{
    struct path messages = {.key = SPAN("messages")};

    if (!asks_for_one(writing))
        return false;
    writing->t->format_tool = TEXT_NONE;
    anthropic_plan(writing);
    make_turns(writing);
    anthropic_plan_again(writing);
    if (!writing->turns.first)
        return refuse(writing->t, &messages, "must hold something that is not empty");
    drop_strangers(writing->t, writing->chat, DIALECT_anthropic);
    anthropic_count_marks(writing);
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("model"), writing->t->target.model);
    if (!writing->counts)
        json_write_member_u64(writing->json, SPAN("max_tokens"), writing->max_output);
    anthropic_write_tools(writing);
    anthropic_write_thinking(writing);
    write_output_config(writing);
    anthropic_write_system(writing);
    if (!anthropic_write_messages(writing))
        return false;
    if (!writing->counts)
        write_settings(writing);
    json_write_object_end(writing->json);
    return true;
}

bool anthropic_write_chat(struct translation *t, const struct chat *chat,
                          struct json_writer *json)
{
    struct chat_writing writing = {.t = t, .chat = chat, .json = json};

    return write_body(&writing);
}

bool anthropic_write_count(struct translation *t, const struct chat *chat,
                           struct json_writer *json)
{
    struct chat_writing writing = {.t = t, .chat = chat, .json = json, .counts = true};

    return write_body(&writing);
}
