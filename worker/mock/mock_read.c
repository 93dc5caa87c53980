#include "shared/base/hash.h"
#include "shared/text/json.h"

#include "worker/mock/mock_answer.h"

#define DIMENSIONS     64
#define DIMENSIONS_MAX 4096

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static uint32_t count_words(struct span text)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += !is_blank(text.ptr[i]) && (i == 0 || is_blank(text.ptr[i - 1]));
    return count;
}

/* The text of a message's content: a string, or the text parts of an array. */
static struct span content_text(struct json_value content, struct arena *arena)
{
    struct json_walk walk = json_walk(content);
    struct json_value part;
    struct span text = SPAN("");

    if (content.kind == JSON_STRING)
        return json_text(content, arena);
    while (content.kind == JSON_ARRAY && json_next(&walk, NULL, &part)) {
        struct json_value piece = json_member(part, SPAN("text"));

        if (piece.kind == JSON_STRING)
            text = json_text(piece, arena);
        else if (part.kind == JSON_STRING)
            text = json_text(part, arena);
    }
    return text;
}

static void read_messages(struct mock_answer *answer, struct json_value body)
{
    struct json_value messages = json_member(body, SPAN("messages")), message;
    struct json_walk walk = json_walk(messages);

    if (messages.kind != JSON_ARRAY) {
        answer->status = 400;
        answer->error = "messages is not an array";
        return;
    }
    while (json_next(&walk, NULL, &message)) {
        answer->text = content_text(json_member(message, SPAN("content")), answer->arena);
        answer->prompt_words += count_words(answer->text);
    }
}

static void read_limit(struct mock_answer *answer, struct json_value body)
{
    uint64_t most;

    if (!json_u64(json_member(body, SPAN("max_completion_tokens")), &most) &&
        !json_u64(json_member(body, SPAN("max_tokens")), &most))
        return;
    answer->limited = answer->word_count > most;
    if (answer->limited)
        answer->word_count = (uint32_t)most;
}

static void read_embedding(struct mock_answer *answer, struct json_value body)
{
    uint64_t dimensions = DIMENSIONS;

    answer->inputs = json_member(body, SPAN("input")).raw;
    answer->base64 = json_text_eq(json_member(body, SPAN("encoding_format")), SPAN("base64"));
    (void)json_u64(json_member(body, SPAN("dimensions")), &dimensions);
    answer->dimensions =
        dimensions > 0 && dimensions <= DIMENSIONS_MAX ? (uint32_t)dimensions : DIMENSIONS;
}

static void read_body(struct mock_answer *answer, struct json_value body)
{
    answer->model_name = json_text(json_member(body, SPAN("model")), answer->arena);
    answer->stream = json_member(body, SPAN("stream")).kind == JSON_TRUE;
    answer->include_usage =
        json_member(json_member(body, SPAN("stream_options")), SPAN("include_usage")).kind ==
        JSON_TRUE;
    if (!mock_read_model(answer->model_name, &answer->model)) {
        answer->status = 404;
        answer->error = "the built-in provider has no such model";
        return;
    }
    if (answer->kind == MOCK_CHAT)
        read_messages(answer, body);
    if (answer->kind == MOCK_TEXT) {
        answer->text = content_text(json_member(body, SPAN("prompt")), answer->arena);
        answer->prompt_words = count_words(answer->text);
    }
    if (answer->kind == MOCK_EMBEDDINGS)
        read_embedding(answer, body);
    answer->word_count = answer->model.words ? answer->model.words : count_words(answer->text);
    read_limit(answer, body);
    if (answer->model.status >= 400) {
        answer->status = (uint16_t)answer->model.status;
        answer->error = "this status was asked for";
    }
}

static enum mock_kind kind_of(struct span target)
{
    struct span path;

    if (!span_cut(&target, '?', &path))
        return MOCK_OTHER;
    if (span_ends(path, SPAN("/chat/completions")))
        return MOCK_CHAT;
    if (span_ends(path, SPAN("/completions")))
        return MOCK_TEXT;
    if (span_ends(path, SPAN("/embeddings")))
        return MOCK_EMBEDDINGS;
    return span_ends(path, SPAN("/models")) ? MOCK_MODELS : MOCK_OTHER;
}

void mock_answer_read(struct mock_answer *answer, struct arena *arena, struct span target,
                      struct span body, int64_t created)
{
    struct json_error error;
    struct json_value value;

    *answer = (struct mock_answer){
        .arena = arena,
        .kind = kind_of(target),
        .hash = hash_fast(body),
        .created = created,
        .status = 200,
        .text = SPAN(""),
    };
    if (answer->kind == MOCK_MODELS)
        return;
    if (answer->kind == MOCK_OTHER) {
        answer->status = 404;
        answer->error = "the built-in provider has no such address";
    } else if (!json_check(body, &value, &error) || value.kind != JSON_OBJECT) {
        answer->status = 400;
        answer->error = "the body is not a JSON object";
    } else {
        read_body(answer, value);
    }
    answer->rest = answer->text;
}
