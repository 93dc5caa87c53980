/* What whole answers and streams have in common. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

struct json_value openai_reasoning_member(struct json_value reasoning_content,
                                          struct json_value reasoning)
{
    struct text text = text_of(reasoning_content);

    return text.len > 0 ? reasoning_content : reasoning;
}

bool openai_read_annotation(struct json_value item, struct citation *ret)
{
    static const struct span keys[] = {WORD("url"), WORD("title"), WORD("start_index"),
                                       WORD("end_index")};
    struct json_value values[ARRAY_LEN(keys)];

    pick_members(json_member(item, SPAN("url_citation")), keys, ARRAY_LEN(keys), values);
    *ret = (struct citation){
        .url = text_of(values[0]),
        .title = text_of(values[1]),
        .start = values[2],
        .end = values[3],
    };
    return ret->url.ptr != NULL;
}

static void write_offset(struct json_writer *json, struct span name, struct json_value offset)
{
    json_write_key(json, name);
    json_write_raw(json, offset.kind == JSON_NUMBER ? offset.raw : SPAN("0"));
}

void openai_write_annotation(const struct citation *citation, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("url_citation"));
    json_write_key(json, SPAN("url_citation"));
    json_write_object(json);
    write_offset(json, SPAN("start_index"), citation->start);
    write_offset(json, SPAN("end_index"), citation->end);
    text_write_member(json, SPAN("url"), citation->url);
    text_write_member(json, SPAN("title"), citation->title.ptr ? citation->title : TEXT(""));
    json_write_object_end(json);
    json_write_object_end(json);
}

bool openai_error_inside(struct json_value error, struct json_value base_resp, struct span body,
                         struct arena *arena, struct complaint *ret)
{
    uint64_t code = 0;
    bool wrong = error.kind == JSON_OBJECT || error.kind == JSON_STRING;

    /* MiniMax's envelope says 0 when all is well. */
    if (!wrong && base_resp.kind == JSON_OBJECT)
        wrong = json_u64(json_member(base_resp, SPAN("status_code")), &code) && code != 0;
    if (wrong)
        complaint_read(200, body, arena, ret);
    return wrong;
}

void openai_write_thinking(struct text text, struct text signature, enum dialect_id origin,
                           bool redacted, struct arena *arena, struct json_writer *json)
{
    struct text packed = signature_pack(origin, signature, DIALECT_anthropic, arena);

    json_write_object(json);
    json_write_member_text(json, SPAN("type"),
                           redacted ? SPAN("redacted_thinking") : SPAN("thinking"));
    if (redacted) {
        text_write_member(json, SPAN("data"), packed);
    } else {
        text_write_member(json, SPAN("thinking"), text.ptr ? text : TEXT(""));
        text_write_member(json, SPAN("signature"), packed);
    }
    json_write_object_end(json);
}

void openai_write_google_signature(struct text signature, struct json_writer *json)
{
    json_write_key(json, SPAN("extra_content"));
    json_write_object(json);
    json_write_key(json, SPAN("google"));
    json_write_object(json);
    text_write_member(json, SPAN("thought_signature"), signature);
    json_write_object_end(json);
    json_write_object_end(json);
}

void openai_drop_act(struct translation *t, const struct act *act)
{
    drop(t, act->kind == HOSTED_search ? SPAN("web_search") : SPAN("web_fetch"));
}

bool openai_is_custom_tool(const struct translation *t, struct text name)
{
    const struct tool *tool = t->chat ? chat_find_tool(t->chat, name) : NULL;

    return tool && tool->kind == TOOL_CUSTOM;
}
