/* Requests on the way out: the envelope and its parameters. */
#include <limits.h>

#include "shared/base/check.h"

#include "worker/translate/dashscope/dashscope_inside.h"

/* ---- reasoning --------------------------------------------------------------------------- */

/* Tokens that stand for an effort; 0: as many as the model likes. */
static uint64_t budget_of_effort(enum effort effort)
{
    switch (effort) {
    case EFFORT_MINIMAL: return 512;
    case EFFORT_LOW: return 2048;
    case EFFORT_MEDIUM: return 8192;
    case EFFORT_ABSENT:
    case EFFORT_NONE:
    case EFFORT_HIGH:
    case EFFORT_XHIGH:
    case EFFORT_MAX: break;
    }
    return 0;
}

static void write_budget(struct chat_writing *writing)
{
    const struct reasoning *reasoning = &writing->chat->reasoning;
    uint64_t tokens = budget_of_effort((enum effort)reasoning->effort);

    if (openai_number_is(reasoning->budget, 1, 1e12)) {
        json_write_key(writing->json, SPAN("thinking_budget"));
        json_write_raw(writing->json, reasoning->budget.raw);
    } else if (tokens > 0) {
        json_write_member_u64(writing->json, SPAN("thinking_budget"), tokens);
    }
}

static void write_reasoning(struct chat_writing *writing)
{
    const struct reasoning *reasoning = &writing->chat->reasoning;
    bool off = reasoning->effort == EFFORT_NONE || openai_number_is(reasoning->budget, 0, 0);
    bool asked = reasoning->effort != EFFORT_ABSENT || reasoning->adaptive ||
                 reasoning->budget.kind == JSON_NUMBER;

    if (!asked)
        return;
    if (!has_trait(writing, TRAIT_THINKS_BY_BUDGET)) {
        if (!off || has_trait(writing, TRAIT_THINKS_ALWAYS))
            openai_drop_word(writing, CLIENT_effort);
        return;
    }
    json_write_member_bool(writing->json, SPAN("enable_thinking"), !off);
    if (!off)
        write_budget(writing);
}

/* ---- parameters -------------------------------------------------------------------------- */

static void write_fields(struct chat_writing *writing)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        struct span name = chat_field_plain((enum chat_field)i, DIALECT_dashscope);

        if (name.len == 0 || !chat_has(writing->chat, (enum chat_field)i))
            continue;
        json_write_key(writing->json, name);
        json_write_raw(writing->json, writing->chat->fields[i].raw);
    }
}

static void write_parameters(struct chat_writing *writing)
{
    struct json_writer *json = writing->json;
    uint8_t format = writing->chat->format.kind;

    json_write_key(json, SPAN("parameters"));
    json_write_object(json);
    /* Old models answer with a bare text unless they are asked for messages. */
    json_write_member_text(json, SPAN("result_format"), SPAN("message"));
    /* Else each event repeats all that was said before. */
    if (writing->chat->stream)
        json_write_member_bool(json, SPAN("incremental_output"), true);
    openai_write_tools(writing);
    openai_write_stops(writing, UINT_MAX);
    if (format == FORMAT_JSON || format == FORMAT_SCHEMA) {
        json_write_key(json, SPAN("response_format"));
        json_write_raw(json, SPAN("{\"type\":\"json_object\"}"));
    }
    write_reasoning(writing);
    write_fields(writing);
    json_write_object_end(json);
}

bool dashscope_write_chat(struct translation *t, const struct chat *chat,
                          struct json_writer *json)
{
    struct chat_writing writing = {
        .t = t,
        .arena = t->arena,
        .chat = chat,
        .json = json,
        .quirks = t->target.quirks | QUIRK_MAX_TOKENS_OLD | QUIRK_NO_DEVELOPER_ROLE |
                  QUIRK_NO_FORCED_TOOLS | QUIRK_JSON_OBJECT_ONLY,
        .traits = model_traits(t->target.model, DIALECT_dashscope)->traits,
        .elsewhere = true,
    };

    writing.instruction = openai_format_instruction(&writing);
    json_write_object(json);
    json_write_member_text(json, SPAN("model"), t->target.model);
    json_write_key(json, SPAN("input"));
    json_write_object(json);
    json_write_key(json, SPAN("messages"));
    if (!dashscope_write_messages(&writing))
        return false;
    json_write_object_end(json);
    write_parameters(&writing);
    json_write_object_end(json);
    drop_strangers(t, chat, DIALECT_dashscope);
    return true;
}
