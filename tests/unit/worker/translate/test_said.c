#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/text/json_write.h"

#include "worker/translate/said.h"

static const struct counted {
    const char *name, *text;
    uint64_t o200k, claude, gemini;
} counted[] = {

#define COUNTED(name_, o200k_, cl100k_, claude_, claude_new_, gemini_, qwen_, deepseek_, \
                llama_, mistral_, text_)                                                 \
    {.name = #name_, .text = text_, .o200k = o200k_, .claude = claude_, .gemini = gemini_},
#include "tests/unit/worker/translate/counted.def"
#undef COUNTED
};

/* Records of a stream, with a place for the words; and others that have none. */
static const struct form {
    enum dialect_id dialect;
    enum tokenizer tokenizer;
    const char *first, *before, *after, *last;
} forms[] = {
    {DIALECT_openai, TOKENIZER_o200k,
     "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
     "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":",
     "},\"finish_reason\":null}]}", "[DONE]"},
    {DIALECT_openai, TOKENIZER_o200k,
     "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\","
     "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}",
     "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":",
     "}}]}}]}", "[DONE]"},
    {DIALECT_openai, TOKENIZER_o200k,
     "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}",
     "{\"choices\": [{\"delta\": {\"content\": null, \"reasoning_content\": ", "}}]}",
     "[DONE]"},
    {DIALECT_responses, TOKENIZER_o200k, "{\"type\":\"response.created\",\"response\":{}}",
     "{\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"delta\":",
     ",\"sequence_number\":7}",
     "{\"type\":\"response.output_text.done\",\"text\":\"what was said once more\"}"},
    {DIALECT_anthropic, TOKENIZER_claude,
     "{\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{\"input_tokens\":9}}}",
     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":",
     "}}", "{\"type\":\"ping\"}"},
    {DIALECT_anthropic, TOKENIZER_claude, "{\"type\":\"ping\"}",
     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\","
     "\"partial_json\":",
     "}}", "{\"type\":\"message_stop\"}"},
    {DIALECT_gemini, TOKENIZER_gemini, "{\"usageMetadata\":{\"promptTokenCount\":9}}",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":",
     "}],\"role\":\"model\"},\"index\":0}]}", "{\"candidates\":[{\"finishReason\":\"STOP\"}]}"},
};

static uint64_t count_of(const struct counted *row, enum tokenizer tokenizer)
{
    return tokenizer == TOKENIZER_o200k    ? row->o200k
           : tokenizer == TOKENIZER_claude ? row->claude
                                           : row->gemini;
}

/* TEXT in records of about STEP bytes each, never half a character. */
static uint64_t heard(const struct form *form, struct span text, size_t step)
{
    struct said said;

    said_init(&said, form->dialect);
    said_add(&said, span_of_text(form->first));
    while (text.len > 0) {
        struct json_writer json;
        struct buffer record _buffer_;
        size_t len = step < text.len ? step : text.len;

        while (len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
            len++;
        buffer_init(&record, 100000);
        (void)buffer_append(&record, span_of_text(form->before));
        json_write_init(&json, &record);
        json_write_text(&json, span_of(text.ptr, len));
        (void)buffer_append(&record, span_of_text(form->after));
        said_add(&said, buffer_span(&record));
        text = span_skip(text, len);
    }
    said_add(&said, span_of_text(form->last));
    return said_tokens(&said, form->tokenizer);
}

START_TEST(what_a_stream_said_is_near_the_count)
{
    static const size_t steps[] = {1, 4, 17, 200, 5000};
    const struct form *form = &forms[_i];

    for (unsigned i = 0; i < ARRAY_LEN(counted); i++) {
        uint64_t count = count_of(&counted[i], form->tokenizer);
        unsigned most = strcmp(counted[i].name, "traditional") == 0 ? 34 : 25;

        for (unsigned j = 0; j < ARRAY_LEN(steps); j++) {
            uint64_t tokens = heard(form, span_of_text(counted[i].text), steps[j]);
            uint64_t off = (tokens > count ? tokens - count : count - tokens) * 100;

            ck_assert_msg(off <= count * most, "%s by %zu: %lu, counted %lu", counted[i].name,
                          steps[j], (unsigned long)tokens, (unsigned long)count);
        }
    }
}

END_TEST

START_TEST(a_stream_that_said_nothing_has_no_tokens)
{
    struct said said;

    said_init(&said, forms[_i].dialect);
    said_add(&said, span_of_text(forms[_i].first));
    said_add(&said, span_of_text(forms[_i].last));
    if (forms[_i].dialect != DIALECT_responses)
        ck_assert_uint_eq(said_tokens(&said, forms[_i].tokenizer), 0);
    said_init(&said, forms[_i].dialect);
    said_add(&said, SPAN("{\"text\":\"\\"));
    said_add(&said, SPAN("{\"args\":{\"}"));
    said_add(&said, SPAN("\"delta\":"));
    said_add(&said, SPAN(""));
    ck_assert_uint_le(said_tokens(&said, forms[_i].tokenizer), 3);
}

END_TEST

START_TEST(all_parts_of_a_record_count)
{
    struct said said;

    said_init(&said, DIALECT_gemini);
    said_add(&said,
             SPAN("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one two\"},"
                  "{\"text\":\" three\"},{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":"
                  "{\"y\":\"}\"},\"four\":1}}}]}}]}"));
    tally_finish(&said.tally);
    ck_assert_uint_eq(said.tally.counts[TALLY_word], 6);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("said");
    TCase *tests = tcase_create("said");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, what_a_stream_said_is_near_the_count, 0, ARRAY_LEN(forms));
    tcase_add_loop_test(tests, a_stream_that_said_nothing_has_no_tokens, 0, ARRAY_LEN(forms));
    tcase_add_test(tests, all_parts_of_a_record_count);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
