#include "tests/support/spell.h"

#include "shared/base/check.h"

#include "worker/translate/dialect.h"
#include "worker/translate/hosted.h"

static void say(struct buffer *out, const char *text)
{
    CHECK(buffer_append(out, span_of_text(text)));
}

static void say_text(struct buffer *out, struct text text)
{
    CHECK(buffer_append(out, span_of(text.ptr, text.len)));
}

/* LABEL and TEXT in quotes, when it is there. */
static void say_known(struct buffer *out, const char *label, struct text text)
{
    if (!text.ptr)
        return;
    say(out, label);
    say_text(out, text);
}

static void say_quoted(struct buffer *out, struct text text)
{
    say(out, "\"");
    say_text(out, text);
    say(out, "\"");
}

static const char *const maybes[] = {"", "no", "yes"};
static const char *const roles[] = {"system", "developer", "user", "assistant"};
static const char *const kinds[] = {"",         "refusal", "reasoning", "image",  "audio",
                                    "document", "call",    "result",    "hosted", "other"};
static const char *const forms[] = {"data", "url", "file", "text"};

static const char *dialect_name(uint8_t origin)
{
    return origin < DIALECT_COUNT ? dialect_row(origin)->name.ptr : "nobody";
}

/* ---- blocks ------------------------------------------------------------------------------ */

static void spell_block(const struct block *block, struct buffer *out);

static void spell_blocks(const struct block *block, struct buffer *out)
{
    for (const char *between = ""; block; block = block->next, between = " ") {
        say(out, between);
        spell_block(block, out);
    }
}

static void spell_call(const struct block *block, struct buffer *out)
{
    say(out, block->custom ? "custom:" : "call:");
    say_text(out, block->id);
    say(out, ":");
    say_text(out, block->name);
    if (block->input.kind != JSON_ABSENT)
        CHECK(buffer_append(out, block->input.raw));
    else
        say_known(out, "=", block->arguments);
}

static void spell_media(const struct block *block, struct buffer *out)
{
    say(out, kinds[block->kind]);
    say(out, ":");
    say(out, forms[block->media.form]);
    say_known(out, ":", block->media.type);
    say_known(out, ":", block->media.data);
    say_known(out, " name=", block->media.name);
    say_known(out, " detail=", block->media.detail);
}

static void spell_act(const struct act *act, struct buffer *out)
{
    static const char *const acts[] = {"", "search", "code", "fetch"};

    say(out, "hosted:");
    say(out, act->shell ? "shell" : acts[act->kind]);
    say_known(out, ":", act->id);
    say(out, "(");
    say_text(out, act->input);
    say(out, ")");
    say_known(out, act->failed ? "!" : "=", act->output);
    for (const struct source *at = act->sources; at; at = at->next) {
        say_known(out, " found:", at->url);
        say_known(out, "|", at->title);
        say_known(out, "|", at->age);
    }
}

static void spell_citation(const struct citation *citation, struct buffer *out)
{
    say_known(out, ":", citation->title);
    if (citation->start.kind == JSON_NUMBER || citation->end.kind == JSON_NUMBER)
        CHECK(buffer_append_format(out, "<%.*s-%.*s>", SPAN_ARG(citation->start.raw),
                                   SPAN_ARG(citation->end.raw)));
}

static void spell_block(const struct block *block, struct buffer *out)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal:
    case BLOCK_reasoning:
        say(out, kinds[block->kind]);
        say_quoted(out, block->text);
        break;
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document: spell_media(block, out); break;
    case BLOCK_tool_call: spell_call(block, out); break;
    case BLOCK_tool_result:
        say(out, block->is_error ? "error:" : "result:");
        say_text(out, block->id);
        say_known(out, ":", block->name);
        say(out, "[");
        spell_blocks(block->content, out);
        say(out, "]");
        break;
    case BLOCK_hosted: spell_act(block->act, out); break;
    case BLOCK_other:
        say_known(out, "other:", block->name);
        CHECK(buffer_append(out, block->raw.raw));
        break;
    }
    if (block->redacted)
        say(out, " redacted");
    if (block->signature.ptr) {
        say(out, " signed:");
        say(out, dialect_name(block->origin));
        say_known(out, ":", block->signature);
    }
    if (block->cache != CACHE_NONE)
        say(out, block->cache == CACHE_LONG ? " cache-long" : " cache");
    for (const struct citation *c = block->citations; c; c = c->next) {
        say_known(out, " cites:", c->url);
        spell_citation(c, out);
    }
}

/* ---- requests ---------------------------------------------------------------------------- */

static void spell_message(const struct message *message, struct buffer *out)
{
    say(out, roles[message->role]);
    say_known(out, "@", message->name);
    if (message->blocks)
        say(out, " ");
    spell_blocks(message->blocks, out);
    say(out, "\n");
}

static void spell_tool(const struct tool *tool, struct buffer *out)
{
    static const char *const tool_kinds[] = {"tool ", "custom-tool ", "hosted-tool "};

    say(out, tool_kinds[tool->kind]);
    say_text(out, tool->name);
    if (tool->description.ptr) {
        say(out, " ");
        say_quoted(out, tool->description);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct json_value value = i == 0 ? tool->schema : i == 1 ? tool->grammar : tool->raw;

        if (value.kind != JSON_ABSENT) {
            say(out, " ");
            CHECK(buffer_append(out, value.raw));
        }
    }
    if (tool->strict != MAYBE_ABSENT)
        CHECK(buffer_append_format(out, " strict=%s", maybes[tool->strict]));
    if (tool->cache != CACHE_NONE)
        say(out, tool->cache == CACHE_LONG ? " cache-long" : " cache");
    say(out, "\n");
}

static void spell_choice(const struct chat *chat, struct buffer *out)
{
    static const char *const choices[] = {"", "auto", "none", "required", "named"};

    if (chat->tool_choice != TOOL_CHOICE_ABSENT || chat->tool_names) {
        CHECK(buffer_append_format(out, "choice %s", choices[chat->tool_choice]));
        for (const struct text_item *item = chat->tool_names; item; item = item->next)
            say_known(out, " ", item->text);
        say(out, "\n");
    }
    if (chat->parallel != MAYBE_ABSENT)
        CHECK(buffer_append_format(out, "parallel %s\n", maybes[chat->parallel]));
}

static void spell_format(const struct chat *chat, struct buffer *out)
{
    static const char *const formats[] = {"", "text", "json", "schema"};

    if (chat->format.kind == FORMAT_ABSENT)
        return;
    CHECK(buffer_append_format(out, "format %s", formats[chat->format.kind]));
    say_known(out, " name=", chat->format.name);
    say_known(out, " description=", chat->format.description);
    if (chat->format.schema.kind != JSON_ABSENT) {
        say(out, " ");
        CHECK(buffer_append(out, chat->format.schema.raw));
    }
    if (chat->format.strict != MAYBE_ABSENT)
        CHECK(buffer_append_format(out, " strict=%s", maybes[chat->format.strict]));
    say(out, "\n");
}

static void spell_reasoning(const struct reasoning *reasoning, struct buffer *out)
{
    static const char *const efforts[] = {"",       "none", "minimal", "low",
                                          "medium", "high", "xhigh",   "max"};

    if (reasoning->effort != EFFORT_ABSENT)
        CHECK(buffer_append_format(out, "effort %s\n", efforts[reasoning->effort]));
    if (reasoning->adaptive)
        say(out, "adaptive\n");
    if (reasoning->shown != MAYBE_ABSENT)
        CHECK(buffer_append_format(out, "shown %s\n", maybes[reasoning->shown]));
    if (reasoning->budget.kind != JSON_ABSENT)
        CHECK(buffer_append_format(out, "budget %.*s\n", SPAN_ARG(reasoning->budget.raw)));
    if (reasoning->summary.ptr)
        CHECK(buffer_append_format(out, "summary %.*s\n", SPAN_ARG(reasoning->summary)));
}

static void spell_fields(const struct chat *chat, struct buffer *out)
{
    static const char *const names[] = {
#define CHAT_FIELD(field, openai, responses, anthropic, gemini, dashscope, ernie) #field,
#include "worker/translate/chat_fields.def"
#undef CHAT_FIELD
    };

    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++)
        if (chat->fields[i].kind != JSON_ABSENT)
            CHECK(buffer_append_format(out, "%s %.*s\n", names[i],
                                       SPAN_ARG(chat->fields[i].raw)));
    for (const struct extra *extra = chat->extras; extra; extra = extra->next)
        CHECK(buffer_append_format(out, "extra %.*s %.*s\n", SPAN_ARG(extra->key),
                                   SPAN_ARG(extra->value.raw)));
}

void spell_chat(const struct chat *chat, struct buffer *out)
{
    if (chat->stream)
        say(out, chat->wants_usage ? "stream with usage\n" : "stream\n");
    for (const struct message *message = chat->messages; message; message = message->next)
        spell_message(message, out);
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        spell_tool(tool, out);
    spell_choice(chat, out);
    for (const struct text_item *item = chat->stops; item; item = item->next) {
        say(out, "stop ");
        say_quoted(out, item->text);
        say(out, "\n");
    }
    spell_format(chat, out);
    spell_reasoning(&chat->reasoning, out);
    spell_fields(chat, out);
}

void spell_dropped(const struct translation *translation, struct buffer *out)
{
    struct span list = dropped_list(translation, 4096);

    if (list.ptr)
        CHECK(buffer_append_format(out, "dropped %.*s\n", SPAN_ARG(list)));
}

/* ---- answers ----------------------------------------------------------------------------- */

static const char *const stops[] = {"none", "end",    "sequence", "length", "context",
                                    "tool", "filter", "pause",    "failed"};

void spell_usage(const struct usage *usage, struct buffer *out)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"input", usage->input},
        {"output", usage->output},
        {"cached", usage->cached},
        {"cache_write", usage->cache_write},
        {"cache_write_long", usage->cache_write_long},
        {"reasoning", usage->reasoning},
        {"audio_input", usage->audio_input},
        {"audio_output", usage->audio_output},
        {"tool_input", usage->tool_input},
        {"searches", usage->searches},
        {"fetches", usage->fetches},
    };

    say(out, "usage");
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].count != TOKENS_UNKNOWN)
            CHECK(buffer_append_format(out, " %s=%lu", rows[i].name,
                                       (unsigned long)rows[i].count));
    say(out, "\n");
}

void spell_reply(const struct reply *reply, struct buffer *out)
{
    say_known(out, "id ", reply->id);
    say_known(out, " model ", reply->model);
    CHECK(buffer_append_format(out, " created %lu", (unsigned long)reply->created));
    say_known(out, " tier ", reply->service_tier);
    say(out, "\n");
    for (const struct choice *choice = reply->choices; choice; choice = choice->next) {
        CHECK(buffer_append_format(out, "%u %s", choice->index, stops[choice->stop]));
        say_known(out, ":", choice->stop_sequence);
        say(out, choice->blocks ? " " : "");
        spell_blocks(choice->blocks, out);
        if (choice->logprobs.kind != JSON_ABSENT)
            CHECK(buffer_append_format(out, " logprobs %.*s", SPAN_ARG(choice->logprobs.raw)));
        say(out, "\n");
    }
    spell_usage(&reply->usage, out);
}

void spell_complaint(const struct complaint *complaint, struct buffer *out)
{
    say(out, complaint_row(complaint->kind)->name);
    say_known(out, " code=", complaint->code);
    say_known(out, " param=", complaint->param);
    say_known(out, " id=", complaint->request_id);
    if (complaint->retry_after_ms > 0)
        CHECK(buffer_append_format(out, " retry=%u", complaint->retry_after_ms));
    say_known(out, " ", complaint->message);
    say(out, "\n");
}

/* ---- streams ----------------------------------------------------------------------------- */

static void spell_open(const struct event *event, struct buffer *out)
{
    CHECK(buffer_append_format(out, "open %u/%u %s", event->choice, event->index,
                               event->block_kind == BLOCK_text ? "text"
                                                               : kinds[event->block_kind]));
    if (event->custom)
        say(out, " custom");
    if (event->redacted)
        say(out, " redacted");
    say_known(out, " ", event->id);
    say_known(out, ":", event->name);
    if (event->media) {
        say_known(out, ":", event->media->type);
        say_known(out, ":", event->media->data);
    }
    if (event->raw.kind != JSON_ABSENT)
        CHECK(buffer_append_format(out, " %.*s", SPAN_ARG(event->raw.raw)));
    if (event->act) {
        say(out, " ");
        spell_act(event->act, out);
    }
    say(out, "\n");
}

void spell_event(const struct event *event, struct buffer *out)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        say_known(out, "start ", event->id);
        say_known(out, " ", event->model);
        CHECK(buffer_append_format(out, " %lu\n", (unsigned long)event->created));
        break;
    case EVENT_open: spell_open(event, out); return;
    case EVENT_delta:
        CHECK(buffer_append_format(out, "%u +", event->index));
        say_quoted(out, event->text);
        if (event->logprobs.kind != JSON_ABSENT)
            CHECK(buffer_append_format(out, " logprobs %.*s", SPAN_ARG(event->logprobs.raw)));
        say(out, "\n");
        return;
    case EVENT_signature:
        CHECK(buffer_append_format(out, "%u signed:%s", event->index,
                                   dialect_name(event->origin)));
        say_known(out, ":", event->text);
        say(out, "\n");
        return;
    case EVENT_citation:
        CHECK(buffer_append_format(out, "%u cites", event->index));
        say_known(out, " ", event->citation->url);
        spell_citation(event->citation, out);
        say(out, "\n");
        return;
    case EVENT_close: CHECK(buffer_append_format(out, "close %u\n", event->index)); return;
    case EVENT_stop:
        CHECK(buffer_append_format(out, "stop %u %s", event->choice, stops[event->stop]));
        say_known(out, ":", event->stop_sequence);
        say(out, "\n");
        return;
    case EVENT_usage: break;
    case EVENT_ping: say(out, "ping\n"); return;
    case EVENT_error:
        say(out, "error ");
        spell_complaint(event->complaint, out);
        return;
    case EVENT_end: say(out, "end\n"); return;
    }
    if (event->usage)
        spell_usage(event->usage, out);
}
