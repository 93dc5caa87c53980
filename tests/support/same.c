#include "tests/support/same.h"

#include "shared/base/check.h"

/* What is compared, and where: WHERE is the path so far. */
struct pair {
    struct buffer *difference;
    struct buffer where;
};

/* ---- the path ---------------------------------------------------------------------------- */

static size_t enter(struct pair *pair, const char *list, unsigned number)
{
    size_t before = pair->where.len;

    CHECK(buffer_append_format(&pair->where, "%s[%u].", list, number));
    return before;
}

static bool leave(struct pair *pair, size_t before)
{
    pair->where.len = before;
    return true;
}

static bool differs(struct pair *pair, const char *name, struct span a, struct span b)
{
    CHECK(buffer_append_format(pair->difference, "%.*s%s: %.*s is not %.*s",
                               (int)pair->where.len, pair->where.ptr, name, SPAN_ARG(a),
                               SPAN_ARG(b)));
    return false;
}

/* ---- values ------------------------------------------------------------------------------ */

static struct span shown(struct text text)
{
    return text.ptr ? span_of(text.ptr, text.len) : SPAN("nothing");
}

static bool same_text(struct pair *pair, const char *name, struct text a, struct text b)
{
    if ((a.ptr == NULL) == (b.ptr == NULL) && text_eq(a, b))
        return true;
    return differs(pair, name, shown(a), shown(b));
}

static bool same_value(struct pair *pair, const char *name, struct json_value a,
                       struct json_value b)
{
    if (a.kind == b.kind && (a.kind == JSON_ABSENT || span_eq(a.raw, b.raw)))
        return true;
    return differs(pair, name, a.kind == JSON_ABSENT ? SPAN("nothing") : a.raw,
                   b.kind == JSON_ABSENT ? SPAN("nothing") : b.raw);
}

static bool differ_in_number(struct pair *pair, const char *name, uint64_t a, uint64_t b)
{
    struct buffer left _buffer_, right _buffer_;

    buffer_init(&left, 32);
    buffer_init(&right, 32);
    CHECK(buffer_append_format(&left, "%ld", (long)a));
    CHECK(buffer_append_format(&right, "%ld", (long)b));
    return differs(pair, name, buffer_span(&left), buffer_span(&right));
}

static bool same_number(struct pair *pair, const char *name, uint64_t a, uint64_t b)
{
    return a == b || differ_in_number(pair, name, a, b);
}

static bool same_presence(struct pair *pair, const char *list, unsigned number, const void *a,
                          const void *b)
{
    if ((a == NULL) == (b == NULL))
        return true;
    (void)enter(pair, list, number);
    return differs(pair, "", a ? SPAN("there") : SPAN("not there"),
                   b ? SPAN("there") : SPAN("not there"));
}

#define TEXTS(member)   same_text(pair, #member, a->member, b->member)
#define NUMBERS(member) same_number(pair, #member, a->member, b->member)
#define VALUES(member)  same_value(pair, #member, a->member, b->member)

/* Compares two lists, item by item, with SAME. */
#define LISTS(type, first_a, first_b, list, same)                 \
    do {                                                          \
        const type *left = (first_a), *right = (first_b);         \
        for (unsigned i = 0; left && right; i++) {                \
            size_t before = enter(pair, list, i);                 \
            if (!same(pair, left, right) || !leave(pair, before)) \
                return false;                                     \
            left = left->next;                                    \
            right = right->next;                                  \
            if (!same_presence(pair, list, i + 1, left, right))   \
                return false;                                     \
        }                                                         \
        if (!same_presence(pair, list, 0, left, right))           \
            return false;                                         \
    } while (0)

/* ---- blocks ------------------------------------------------------------------------------ */

static bool same_media(struct pair *pair, const struct media *a, const struct media *b)
{
    return NUMBERS(form) && TEXTS(type) && TEXTS(data) && TEXTS(name) && TEXTS(detail);
}

static bool same_citation(struct pair *pair, const struct citation *a, const struct citation *b)
{
    return TEXTS(url) && TEXTS(title) && TEXTS(quote) && VALUES(start) && VALUES(end);
}

static bool same_block(struct pair *pair, const struct block *a, const struct block *b)
{
    if (!NUMBERS(kind) || !NUMBERS(cache) || !NUMBERS(custom) || !NUMBERS(redacted) ||
        !NUMBERS(is_error) || !TEXTS(text) || !TEXTS(id) || !TEXTS(name) || !TEXTS(arguments) ||
        !VALUES(input) || !TEXTS(signature) || !VALUES(raw) ||
        !same_media(pair, &a->media, &b->media))
        return false;
    if ((a->signature.ptr || a->kind == BLOCK_other) && !NUMBERS(origin))
        return false;
    LISTS(struct block, a->content, b->content, "content", same_block);
    LISTS(struct citation, a->citations, b->citations, "citations", same_citation);
    return true;
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool same_message(struct pair *pair, const struct message *a, const struct message *b)
{
    if (!NUMBERS(role) || !TEXTS(name))
        return false;
    LISTS(struct block, a->blocks, b->blocks, "blocks", same_block);
    return true;
}

static bool same_tool(struct pair *pair, const struct tool *a, const struct tool *b)
{
    return NUMBERS(kind) && NUMBERS(cache) && NUMBERS(strict) && NUMBERS(origin) &&
           TEXTS(name) && TEXTS(description) && VALUES(schema) && VALUES(grammar) &&
           VALUES(raw);
}

static bool same_item(struct pair *pair, const struct text_item *a, const struct text_item *b)
{
    return TEXTS(text);
}

static bool same_extra(struct pair *pair, const struct extra *a, const struct extra *b)
{
    return (span_eq(a->key, b->key) || differs(pair, "key", a->key, b->key)) && VALUES(value);
}

static bool same_fields(struct pair *pair, const struct chat *a, const struct chat *b)
{
    static const char *const names[] = {
#define CHAT_FIELD(field, openai, responses, anthropic, gemini, dashscope, ernie) #field,
#include "worker/translate/chat_fields.def"
#undef CHAT_FIELD
    };

    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++)
        if (!same_value(pair, names[i], a->fields[i], b->fields[i]))
            return false;
    return true;
}

static bool same_settings(struct pair *pair, const struct chat *a, const struct chat *b)
{
    return NUMBERS(stream) && NUMBERS(wants_usage) && NUMBERS(wants_sources) &&
           NUMBERS(wants_outputs) && NUMBERS(tool_choice) && NUMBERS(parallel) &&
           NUMBERS(format.kind) && NUMBERS(format.strict) && TEXTS(format.name) &&
           TEXTS(format.description) && VALUES(format.schema) && NUMBERS(reasoning.effort) &&
           NUMBERS(reasoning.adaptive) && NUMBERS(reasoning.shown) &&
           VALUES(reasoning.budget) && TEXTS(reasoning.summary) && same_fields(pair, a, b);
}

static bool same_lists(struct pair *pair, const struct chat *a, const struct chat *b)
{
    LISTS(struct message, a->messages, b->messages, "messages", same_message);
    LISTS(struct tool, a->tools, b->tools, "tools", same_tool);
    LISTS(struct text_item, a->tool_names, b->tool_names, "tool_names", same_item);
    LISTS(struct text_item, a->stops, b->stops, "stops", same_item);
    LISTS(struct extra, a->extras, b->extras, "extras", same_extra);
    return true;
}

bool same_chat(const struct chat *a, const struct chat *b, struct buffer *difference)
{
    struct pair pair = {.difference = difference};
    bool same;

    buffer_init(&pair.where, 4096);
    same = same_lists(&pair, a, b) && same_settings(&pair, a, b);
    buffer_done(&pair.where);
    return same;
}

/* ---- answers ----------------------------------------------------------------------------- */

static bool same_usage(struct pair *pair, const struct usage *a, const struct usage *b)
{
    return NUMBERS(input) && NUMBERS(output) && NUMBERS(cached) && NUMBERS(cache_write) &&
           NUMBERS(cache_write_long) && NUMBERS(reasoning) && NUMBERS(audio_input) &&
           NUMBERS(audio_output) && NUMBERS(tool_input);
}

static bool same_choice(struct pair *pair, const struct choice *a, const struct choice *b)
{
    if (!NUMBERS(index) || !NUMBERS(stop) || !TEXTS(stop_sequence) || !VALUES(logprobs))
        return false;
    LISTS(struct block, a->blocks, b->blocks, "blocks", same_block);
    return true;
}

static bool same_answer(struct pair *pair, const struct reply *a, const struct reply *b)
{
    if (!TEXTS(id) || !TEXTS(model) || !NUMBERS(created) || !TEXTS(service_tier))
        return false;
    LISTS(struct choice, a->choices, b->choices, "choices", same_choice);
    return same_usage(pair, &a->usage, &b->usage);
}

bool same_reply(const struct reply *a, const struct reply *b, struct buffer *difference)
{
    struct pair pair = {.difference = difference};
    bool same;

    buffer_init(&pair.where, 4096);
    same = same_answer(&pair, a, b);
    buffer_done(&pair.where);
    return same;
}
