#include "worker/mock/mock_answer.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

static const char *const vocabulary[] = {
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath",
    "inlet", "jade",  "knoll", "larch", "maple", "north", "ocean", "pine",
};

static const char *const listed[] = {
    "echo",      "slow-500ms",         "status-429", "status-500", "cut-after-3",
    "long-1000", "long-100-pace-20ms", "hang",       "garbage",    "reset",
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The next word, with the white space that stands before it in the echoed text. */
static struct span take_word(struct mock_answer *answer, uint32_t index)
{
    struct span *rest = &answer->rest;
    size_t end = 0;
    struct span word;

    if (answer->model.words) {
        char *made = arena_take_text(answer->arena, 8);
        struct span from = span_of_text(vocabulary[index % ARRAY_LEN(vocabulary)]);

        made[0] = ' ';
        memcpy(made + 1, from.ptr, from.len);
        return index == 0 ? span_of(made + 1, from.len) : span_of(made, from.len + 1);
    }
    while (end < rest->len && is_blank(rest->ptr[end]))
        end++;
    while (end < rest->len && !is_blank(rest->ptr[end]))
        end++;
    word = span_of(rest->ptr, end);
    *rest = span_skip(*rest, end);
    return word;
}

static void write_usage(const struct mock_answer *answer, struct json_writer *writer)
{
    json_write_key(writer, SPAN("usage"));
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("prompt_tokens"), answer->prompt_words);
    if (answer->kind != MOCK_EMBEDDINGS)
        json_write_member_u64(writer, SPAN("completion_tokens"), answer->word_count);
    json_write_member_u64(writer, SPAN("total_tokens"),
                          answer->kind == MOCK_EMBEDDINGS
                              ? answer->prompt_words
                              : (uint64_t)answer->prompt_words + answer->word_count);
    json_write_object_end(writer);
}

/* The members before "choices". */
static void write_opening(const struct mock_answer *answer, struct json_writer *writer,
                          struct span object)
{
    char id[25] = "chatcmpl-";
    size_t prefix = answer->kind == MOCK_CHAT ? 9 : 5;

    if (answer->kind == MOCK_TEXT)
        memcpy(id, "cmpl-", 5);
    encode_hex(&answer->hash, sizeof(answer->hash), id + prefix);
    json_write_object(writer);
    json_write_member_text(writer, SPAN("id"), span_of(id, prefix + 16));
    json_write_member_text(writer, SPAN("object"), object);
    json_write_member_i64(writer, SPAN("created"), answer->created);
    json_write_member_text(writer, SPAN("model"), answer->model_name);
    json_write_key(writer, SPAN("choices"));
    json_write_array(writer);
}

static struct span finish_reason(const struct mock_answer *answer)
{
    return answer->limited ? SPAN("length") : SPAN("stop");
}

static void write_completion(struct mock_answer *answer, struct buffer *out)
{
    bool chat = answer->kind == MOCK_CHAT;
    struct json_writer writer;
    struct buffer text _buffer_;

    buffer_init(&text, out->limit_bytes);
    for (uint32_t i = 0; i < answer->word_count; i++)
        (void)buffer_append(&text, take_word(answer, i));
    json_write_init(&writer, out);
    write_opening(answer, &writer, chat ? SPAN("chat.completion") : SPAN("text_completion"));
    json_write_object(&writer);
    json_write_member_u64(&writer, SPAN("index"), 0);
    if (chat) {
        json_write_key(&writer, SPAN("message"));
        json_write_object(&writer);
        json_write_member_text(&writer, SPAN("role"), SPAN("assistant"));
        json_write_member_text(&writer, SPAN("content"), buffer_span(&text));
        json_write_member_text(&writer, SPAN("refusal"), SPAN_NONE);
        json_write_object_end(&writer);
    } else {
        json_write_member_text(&writer, SPAN("text"), buffer_span(&text));
    }
    json_write_member_text(&writer, SPAN("logprobs"), SPAN_NONE);
    json_write_member_text(&writer, SPAN("finish_reason"), finish_reason(answer));
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    write_usage(answer, &writer);
    json_write_object_end(&writer);
}

/* Thousandths in [-1, 1], the same for the same input. */
static int vector_value(uint64_t seed, uint32_t at)
{
    uint64_t key[2] = {seed, at};

    return (int)(hash_fast(span_of((const char *)key, sizeof(key))) % 2001) - 1000;
}

static void append_thousandths(struct buffer *out, int value)
{
    unsigned size = (unsigned)(value < 0 ? -value : value);
    const char text[] = {(char)('0' + size / 1000), '.', (char)('0' + size / 100 % 10),
                         (char)('0' + size / 10 % 10), (char)('0' + size % 10)};

    if (value < 0)
        (void)buffer_append_byte(out, '-');
    (void)buffer_append(out, span_of(text, sizeof(text)));
}

static void write_vector(const struct mock_answer *answer, struct json_writer *writer,
                         uint64_t seed)
{
    struct buffer bytes _buffer_, text _buffer_;

    buffer_init(&bytes, SIZE_MAX / 2);
    buffer_init(&text, SIZE_MAX / 2);
    (void)buffer_append(&text, answer->base64 ? SPAN("\"") : SPAN("["));
    for (uint32_t i = 0; i < answer->dimensions; i++) {
        int value = vector_value(seed, i);
        float number = (float)value / 1000.0F;

        if (answer->base64) {
            (void)buffer_append(&bytes, span_of((const char *)&number, sizeof(number)));
            continue;
        }
        if (i > 0)
            (void)buffer_append_byte(&text, ',');
        append_thousandths(&text, value);
    }
    (void)encode_base64(buffer_span(&bytes), &text);
    (void)buffer_append(&text, answer->base64 ? SPAN("\"") : SPAN("]"));
    json_write_raw(writer, buffer_span(&text));
}

static void write_embedding(struct mock_answer *answer, struct json_writer *writer,
                            struct json_value input, uint64_t index)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("object"), SPAN("embedding"));
    json_write_member_u64(writer, SPAN("index"), index);
    json_write_key(writer, SPAN("embedding"));
    write_vector(answer, writer, hash_fast(input.raw));
    json_write_object_end(writer);
    for (size_t i = 0; i + 1 < input.raw.len; i++)
        answer->prompt_words += is_blank(input.raw.ptr[i]);
    answer->prompt_words++;
}

static void write_embeddings(struct mock_answer *answer, struct buffer *out)
{
    struct json_writer writer;
    struct json_value inputs = {.kind = JSON_ABSENT}, input;
    struct json_error error;
    struct json_walk walk;
    uint64_t index = 0;

    (void)json_check(answer->inputs, &inputs, &error);
    walk = json_walk(inputs);
    json_write_init(&writer, out);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("object"), SPAN("list"));
    json_write_key(&writer, SPAN("data"));
    json_write_array(&writer);
    if (inputs.kind == JSON_STRING)
        write_embedding(answer, &writer, inputs, 0);
    while (inputs.kind == JSON_ARRAY && json_next(&walk, NULL, &input))
        write_embedding(answer, &writer, input, index++);
    json_write_array_end(&writer);
    json_write_member_text(&writer, SPAN("model"), answer->model_name);
    write_usage(answer, &writer);
    json_write_object_end(&writer);
}

static void write_models(struct buffer *out)
{
    struct json_writer writer;

    json_write_init(&writer, out);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("object"), SPAN("list"));
    json_write_key(&writer, SPAN("data"));
    json_write_array(&writer);
    for (unsigned i = 0; i < ARRAY_LEN(listed); i++) {
        json_write_object(&writer);
        json_write_member_text(&writer, SPAN("id"), span_of_text(listed[i]));
        json_write_member_text(&writer, SPAN("object"), SPAN("model"));
        json_write_member_u64(&writer, SPAN("created"), 0);
        json_write_member_text(&writer, SPAN("owned_by"), SPAN("mock"));
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

static struct span error_type(uint16_t status)
{
    return status == 429   ? SPAN("rate_limit_error")
           : status >= 500 ? SPAN("server_error")
                           : SPAN("invalid_request_error");
}

static void write_error(const struct mock_answer *answer, struct buffer *out)
{
    struct json_writer writer;

    json_write_init(&writer, out);
    json_write_object(&writer);
    json_write_key(&writer, SPAN("error"));
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("message"), span_of_text(answer->error));
    json_write_member_text(&writer, SPAN("type"), error_type(answer->status));
    json_write_member_text(&writer, SPAN("param"), SPAN_NONE);
    json_write_member_text(&writer, SPAN("code"),
                           answer->status == 404 ? SPAN("model_not_found") : SPAN_NONE);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
}

void mock_answer_write(struct mock_answer *answer, struct buffer *out)
{
    if (answer->error)
        write_error(answer, out);
    else if (answer->kind == MOCK_MODELS)
        write_models(out);
    else if (answer->kind == MOCK_EMBEDDINGS)
        write_embeddings(answer, out);
    else
        write_completion(answer, out);
}

/* A stream's pieces: the role (chat only), the words, the end, the usage (when asked), [DONE].
 */
enum piece {
    PIECE_ROLE,
    PIECE_WORD,
    PIECE_FINISH,
    PIECE_USAGE,
    PIECE_DONE,
    PIECE_NONE,
};

static enum piece piece_at(const struct mock_answer *answer, uint32_t at)
{
    if (answer->kind == MOCK_CHAT) {
        if (at == 0)
            return PIECE_ROLE;
        at--;
    }
    if (at < answer->word_count)
        return PIECE_WORD;
    at -= answer->word_count;
    if (at == 0)
        return PIECE_FINISH;
    at -= answer->include_usage;
    return at == 0 ? (answer->include_usage ? PIECE_USAGE : PIECE_NONE)
                   : (at == 1 ? PIECE_DONE : PIECE_NONE);
}

static void write_delta(struct mock_answer *answer, struct json_writer *writer,
                        enum piece piece)
{
    bool chat = answer->kind == MOCK_CHAT;
    struct span word = SPAN("");

    if (piece == PIECE_WORD)
        word = take_word(answer, answer->at - chat);
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("index"), 0);
    if (chat) {
        json_write_key(writer, SPAN("delta"));
        json_write_object(writer);
        if (piece == PIECE_ROLE)
            json_write_member_text(writer, SPAN("role"), SPAN("assistant"));
        if (piece != PIECE_FINISH)
            json_write_member_text(writer, SPAN("content"), word);
        if (piece == PIECE_ROLE)
            json_write_member_text(writer, SPAN("refusal"), SPAN_NONE);
        json_write_object_end(writer);
    } else {
        json_write_member_text(writer, SPAN("text"), word);
    }
    json_write_member_text(writer, SPAN("logprobs"), SPAN_NONE);
    json_write_member_text(writer, SPAN("finish_reason"),
                           piece == PIECE_FINISH ? finish_reason(answer) : SPAN_NONE);
    json_write_object_end(writer);
}

bool mock_answer_next(struct mock_answer *answer, struct buffer *out)
{
    enum piece piece = piece_at(answer, answer->at);
    struct json_writer writer;

    if (piece == PIECE_NONE)
        return false;
    (void)buffer_append(out, SPAN("data: "));
    if (piece == PIECE_DONE) {
        (void)buffer_append(out, SPAN("[DONE]\n\n"));
        answer->at++;
        return true;
    }
    json_write_init(&writer, out);
    write_opening(answer, &writer,
                  answer->kind == MOCK_CHAT ? SPAN("chat.completion.chunk")
                                            : SPAN("text_completion"));
    if (piece != PIECE_USAGE)
        write_delta(answer, &writer, piece);
    json_write_array_end(&writer);
    if (piece == PIECE_USAGE)
        write_usage(answer, &writer);
    else if (answer->include_usage)
        json_write_member_text(&writer, SPAN("usage"), SPAN_NONE);
    json_write_object_end(&writer);
    answer->at++;
    return buffer_append(out, SPAN("\n\n"));
}
