#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic.h"

#define USAGE                                                              \
    "{\"input_tokens\":500,\"cache_creation_input_tokens\":200,"           \
    "\"cache_read_input_tokens\":300,\"cache_creation\":{"                 \
    "\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150}," \
    "\"output_tokens\":10,\"output_tokens_details\":{\"thinking_tokens\":4}}"

static struct arena arena;
static struct translation translation;
static struct buffer out;
static struct usage used;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    buffer_init(&out, 1 << 20);
    usage_init(&used);
    used.input = 1000;
    used.output = 10;
    used.cached = 300;
    used.cache_write = 200;
    used.cache_write_long = 150;
    used.reasoning = 4;
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

static void said(const char *name, struct span heard, const char *expected)
{
    ck_assert_msg(span_eq(heard, span_of_text(expected)), "%s: %.*s", name, SPAN_ARG(heard));
}

START_TEST(no_count_is_ever_below_zero)
{
    struct json_writer json;

    usage_init(&used);
    used.input = 5;
    used.cached = 9;
    json_write_init(&json, &out);
    anthropic_write_usage(&used, &json);
    ck_assert(span_starts(buffer_span(&out), SPAN("{\"input_tokens\":0,")));
}

END_TEST

static const struct {
    const char *name;
    struct block block;
    uint8_t stop;
    const char *content, *stop_word;
} answers[] = {
    {"words",
     {.kind = BLOCK_text, .text = {"a\\n", 3}},
     STOP_END,
     "{\"type\":\"text\",\"text\":\"a\\n\"}",
     "end_turn"},
    {"empty words are none", {.kind = BLOCK_text, .text = {"", 0}}, STOP_NONE, "", "end_turn"},
    {"a call whose end is said to be a normal one",
     {.kind = BLOCK_tool_call,
      .id = {"c", 1},
      .name = {"f", 1},
      .arguments = {"{\\\"a\\\":1}", 9}},
     STOP_END,
     "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{\"a\":1}}",
     "tool_use"},
    {"a call that was cut is left out",
     {.kind = BLOCK_tool_call,
      .id = {"c", 1},
      .name = {"f", 1},
      .arguments = {"{\\\"a\\\":", 7}},
     STOP_LENGTH,
     "",
     "max_tokens"},
    {"a signed call carries its signature in its id",
     {.kind = BLOCK_tool_call,
      .id = {"c", 1},
      .name = {"f", 1},
      .origin = DIALECT_gemini,
      .signature = {"QUJD", 4}},
     STOP_TOOL,
     "{\"type\":\"tool_use\",\"id\":\"c__thought__QUJD\",\"name\":\"f\",\"input\":{}}",
     "tool_use"},
    {"reasoning comes with a signature, be it empty",
     {.kind = BLOCK_reasoning, .text = {"t", 1}, .origin = DIALECT_NONE},
     STOP_END,
     "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"\"}",
     "end_turn"},
    {"a foreign signature says whose it is",
     {.kind = BLOCK_reasoning,
      .text = {"u", 1},
      .signature = {"S", 1},
      .origin = DIALECT_gemini},
     STOP_END,
     "{\"type\":\"thinking\",\"thinking\":\"u\",\"signature\":\"aigw.gemini.S\"}",
     "end_turn"},
    {"encrypted reasoning",
     {.kind = BLOCK_reasoning,
      .redacted = true,
      .signature = {"E", 1},
      .origin = DIALECT_anthropic},
     STOP_END,
     "{\"type\":\"redacted_thinking\",\"data\":\"E\"}",
     "end_turn"},
    {"a refusal",
     {.kind = BLOCK_refusal, .text = {"No.", 3}},
     STOP_FILTER,
     "{\"type\":\"text\",\"text\":\"No.\"}",
     "refusal"},
    {"an image is Markdown",
     {.kind = BLOCK_image,
      .media = {.form = MEDIA_DATA, .type = {"image/png", 9}, .data = {"AA", 2}}},
     STOP_END,
     "{\"type\":\"text\",\"text\":\"![image](data:image/png;base64,AA)\"}",
     "end_turn"},
};

START_TEST(answers_are_said_as_messages)
{
    struct reply reply = {.id = TEXT("msg_1"), .model = TEXT("m"), .usage = used};
    struct choice *choice = reply_add_choice(&reply, &arena);
    struct buffer expected _buffer_;
    struct json_writer json;

    choice->stop = answers[_i].stop;
    *choice_add_block(choice, BLOCK_text, &arena) = answers[_i].block;
    buffer_init(&expected, 1 << 16);
    (void)buffer_append_format(&expected,
                               "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
                               "\"model\":\"m\",\"content\":[%s],\"stop_reason\":\"%s\","
                               "\"stop_sequence\":null,\"usage\":" USAGE "}",
                               answers[_i].content, answers[_i].stop_word);
    json_write_init(&json, &out);
    anthropic_write_reply(&translation, &reply, &json);
    ck_assert_msg(span_eq(buffer_span(&out), buffer_span(&expected)), "%s: %.*s",
                  answers[_i].name, SPAN_ARG(buffer_span(&out)));
}

END_TEST

/* Streams in a small notation: a letter, the number of the block, and more. t, r, c open a
 * text, reasoning ("r0!" an encrypted one), a call with its id; + has words, ~ a signature, /
 * is the end of the block. */
static void tell(struct event_writer *writer, struct span word)
{
    struct event event = {.origin = DIALECT_gemini, .index = (uint32_t)(word.ptr[1] - '0')};
    char letter = word.ptr[0];

    event.text = (struct text){word.ptr + 2, word.len - 2};
    event.kind = letter == '+'   ? EVENT_delta
                 : letter == '~' ? EVENT_signature
                 : letter == '/' ? EVENT_close
                                 : EVENT_open;
    event.block_kind = letter == 't'   ? BLOCK_text
                       : letter == 'r' ? BLOCK_reasoning
                                       : BLOCK_tool_call;
    event.redacted = letter == 'r' && word.len > 2;
    event.id = event.text;
    event.name = TEXT("f");
    event_write(writer, &event);
}

#define START(i, block) "start\",\"index\":" #i ",\"content_block\":" block "}\n"
#define DELTA(i, kind, key, words) \
    "delta\",\"index\":" #i ",\"delta\":{\"type\":\"" kind "\",\"" key "\":\"" words "\"}}\n"
#define JSON_PIECE(i, words) DELTA(i, "input_json_delta", "partial_json", words)
#define STOP(i)              "stop\",\"index\":" #i "}\n"
#define WORDS                "{\"type\":\"text\",\"text\":\"\"}"
#define THOUGHT              "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"
#define CALL(id)             "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}}"

static const struct {
    const char *name, *in, *out, *stop;
} streams[] = {
    {"words", "t0 +0a +0b /0",
     START(0, WORDS) DELTA(0, "text_delta", "text", "a") DELTA(0, "text_delta", "text", "b")
         STOP(0),
     "end_turn"},
    {"an empty block leaves no trace", "t0 /0 c1x +1{} /1",
     START(0, CALL("x")) JSON_PIECE(0, "{}") STOP(0), "tool_use"},
    {"reasoning ends with its signature", "r0 +0a ~0S /0",
     START(0, THOUGHT) DELTA(0, "thinking_delta", "thinking", "a")
         DELTA(0, "signature_delta", "signature", "aigw.gemini.S") STOP(0),
     "end_turn"},
    {"what is encrypted comes whole", "r0! ~0S /0",
     START(0, "{\"type\":\"redacted_thinking\",\"data\":\"aigw.gemini.S\"}") STOP(0),
     "end_turn"},
    {"calls that interleave come one after the other", "c0x c1y +0{a +1{b +0} +1} /0 /1",
     START(0, CALL("x")) JSON_PIECE(0, "{a") JSON_PIECE(0, "}") STOP(0) START(1, CALL("y"))
         JSON_PIECE(1, "{b}") STOP(1),
     "tool_use"},
    {"a held block goes on when its turn has come", "c0x t1 +1a /0 +1b /1",
     START(0, CALL("x")) STOP(0) START(1, WORDS) DELTA(1, "text_delta", "text", "a")
         DELTA(1, "text_delta", "text", "b") STOP(1),
     "tool_use"},
    {"one that was closed while held comes whole", "c0x c1y +1{} /1 c2z /0 +2{}",
     START(0, CALL("x")) STOP(0) START(1, CALL("y")) JSON_PIECE(1, "{}") STOP(1)
         START(2, CALL("z")) JSON_PIECE(2, "{}") STOP(2),
     "tool_use"},
    {"a signed call carries its signature in its id", "c0x ~0QUJD +0{} /0",
     START(0, CALL("x__thought__QUJD")) JSON_PIECE(0, "{}") STOP(0), "tool_use"},
};

static void write_stream(const char *notation)
{
    struct span rest = span_of_text(notation), word;
    struct event event = {.kind = EVENT_start, .model = TEXT("m"), .usage = &used};
    struct event_writer writer;

    event_writer_init(&writer, &dialect_anthropic, &translation, &out);
    event_write(&writer, &event);
    while (span_cut(&rest, ' ', &word))
        tell(&writer, word);
    event.kind = EVENT_stop;
    event.stop = STOP_END;
    event_write(&writer, &event);
    event.kind = EVENT_end;
    event_write(&writer, &event);
    ck_assert(!writer.failed);
}

/* The records of blocks in STREAM, without what all of them begin with. */
static void note_blocks(struct span stream, struct buffer *heard)
{
    struct span line;

    while (span_cut(&stream, '\n', &line))
        if (span_starts(line, SPAN("data: {\"type\":\"content_block_"))) {
            (void)buffer_append(
                heard, span_skip(line, sizeof("data: {\"type\":\"content_block_") - 1));
            (void)buffer_append_byte(heard, '\n');
        }
}

START_TEST(events_are_said_as_blocks_that_do_not_overlap)
{
    struct buffer heard _buffer_;
    struct buffer ending _buffer_;

    buffer_init(&heard, 1 << 16);
    buffer_init(&ending, 1 << 16);
    write_stream(streams[_i].in);
    note_blocks(buffer_span(&out), &heard);
    said(streams[_i].name, buffer_span(&heard), streams[_i].out);
    (void)buffer_append_format(&ending,
                               "event: message_delta\ndata: {\"type\":\"message_delta\","
                               "\"delta\":{\"stop_reason\":\"%s\",\"stop_sequence\":null},"
                               "\"usage\":" USAGE "}\n\n"
                               "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                               streams[_i].stop);
    ck_assert(span_starts(buffer_span(&out), SPAN("event: message_start\ndata: {")));
    ck_assert_msg(span_ends(buffer_span(&out), buffer_span(&ending)), "%s: %.*s",
                  streams[_i].name, SPAN_ARG(buffer_span(&out)));
}

END_TEST

START_TEST(a_long_stream_takes_no_more_memory)
{
    struct event_writer writer;
    size_t used_bytes = 0;

    event_writer_init(&writer, &dialect_anthropic, &translation, &out);
    tell(&writer, SPAN("t0"));
    for (unsigned i = 0; i < 1000; i++) {
        tell(&writer, SPAN("+0word"));
        buffer_clear(&out);
        if (i == 0)
            used_bytes = arena.used_bytes;
    }
    ck_assert_uint_eq(arena.used_bytes, used_bytes);
}

END_TEST

START_TEST(more_blocks_than_can_be_held_are_an_error)
{
    struct event event = {.kind = EVENT_open, .block_kind = BLOCK_tool_call, .id = TEXT("c")};
    struct event_writer writer;

    event_writer_init(&writer, &dialect_anthropic, &translation, &out);
    for (event.index = 0; event.index < 200; event.index++)
        event_write(&writer, &event);
    ck_assert(writer.failed);
    ck_assert(span_find(buffer_span(&out), SPAN("event: error\n")) != SIZE_MAX);
}

END_TEST

START_TEST(an_error_has_its_type_and_the_requests_id)
{
    static const struct complaint complaint = {
        .kind = COMPLAINT_overloaded, .message = {"Busy", 4}, .request_id = {"req_1", 5}};
    struct json_writer json;

    json_write_init(&json, &out);
    ck_assert_uint_eq(anthropic_write_complaint(&complaint, &json), 529);
    said("error", buffer_span(&out),
         "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy\"},"
         "\"request_id\":\"req_1\"}");
    buffer_clear(&out);
    anthropic_write_stream_complaint(&complaint, &out);
    ck_assert(span_starts(buffer_span(&out), SPAN("event: error\ndata: {\"type\":\"error\",")));
    ck_assert(span_ends(buffer_span(&out), SPAN("}\n\n")));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("anthropic_write_answer");
    TCase *tests = tcase_create("anthropic_write_answer");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, no_count_is_ever_below_zero);
    tcase_add_loop_test(tests, answers_are_said_as_messages, 0, (int)ARRAY_LEN(answers));
    tcase_add_loop_test(tests, events_are_said_as_blocks_that_do_not_overlap, 0,
                        (int)ARRAY_LEN(streams));
    tcase_add_test(tests, a_long_stream_takes_no_more_memory);
    tcase_add_test(tests, more_blocks_than_can_be_held_are_an_error);
    tcase_add_test(tests, an_error_has_its_type_and_the_requests_id);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
