/* What providers say that an exchange costs, against price.c and the catalogue, to the
 * nanodollar.
 *
 * BILLED: tokens and cost stand in one answer of the provider, as it was sent or as its
 * documentation shows it. RATED: the page tells rates and rules; the cost is their sum, worked
 * out by hand, as in the comment. Counts are canonical: input and output are all, the others
 * parts of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/prices/catalogue.h"
#include "supervisor/prices/price_rows.h"

struct bill {
    const char *kind, *model; /* of the catalogue; or kind NULL and the price as JSON */
    const char *source;
    uint32_t service;
    uint64_t input, output, cache_read, cache_write, cache_write_long, reasoning, audio_input,
        audio_output, image_input, request, search;
    uint64_t nano;
};

#define STANDARD PRICE_SERVICE_standard
#define BATCH    PRICE_SERVICE_batch
#define FLEX     PRICE_SERVICE_flex
#define PRIORITY PRICE_SERVICE_priority

#define OPENAI     "https://developers.openai.com/api/docs/pricing"
#define ANTHROPIC  "https://platform.claude.com/docs/en/about-claude/pricing"
#define GEMINI     "https://ai.google.dev/gemini-api/docs/pricing"
#define DEEPSEEK   "https://api-docs.deepseek.com/quick_start/pricing"
#define ALIBABA    "https://www.alibabacloud.com/help/en/model-studio/models"
#define XAI        "https://docs.x.ai/docs/models"
#define PERPLEXITY "https://docs.perplexity.ai/changelog"

/* xAI and OpenRouter: recorded answers, 2026. */
#define GROK_3_MINI "{\"rates\": {\"input\": 0.3, \"output\": 0.5, \"cache_read\": 0.075}}"
#define GPT_OSS_20B "{\"rates\": {\"input\": 0.05, \"output\": 0.2}}"
#define KIMI_K2     "{\"rates\": {\"input\": 0.57, \"output\": 2.3}}"

static const struct bill bills[] = {
    /* ---- BILLED ---------------------------------------------------------------------------
     */
    /* xAI: cost_in_usd_ticks 1176500 (of 10^-10 dollars); 12 prompt, 2 of them cached, 1
     * completion and 228 reasoning tokens, which its completion_tokens leave out. */
    {.model = GROK_3_MINI,
     .source = "cost_in_usd_ticks",
     .input = 12,
     .cache_read = 2,
     .output = 229,
     .reasoning = 228,
     .nano = 117650},
    /* 1466250 ticks: 12 prompt, 11 cached, 1 completion, 290 reasoning. */
    {.model = GROK_3_MINI,
     .source = "cost_in_usd_ticks",
     .input = 12,
     .cache_read = 11,
     .output = 291,
     .reasoning = 290,
     .nano = 146625},
    /* OpenRouter: cost 0.0000113, of it 0.0000039 for 78 and 0.0000074 for 37 tokens. */
    {.model = GPT_OSS_20B,
     .source = "usage.cost",
     .input = 78,
     .output = 37,
     .reasoning = 22,
     .nano = 11300},
    /* cost 0.00007159 and 0.00005952. */
    {.model = KIMI_K2, .source = "usage.cost", .input = 57, .output = 17, .nano = 71590},
    {.model = KIMI_K2, .source = "usage.cost", .input = 56, .output = 12, .nano = 59520},
    /* Perplexity: 8 and 439 tokens, 0.000024 + 0.006585 + a request's 0.006 = 0.012609. */
    {.kind = "perplexity",
     .model = "sonar-pro",
     .source = PERPLEXITY,
     .input = 8,
     .output = 439,
     .request = 1,
     .nano = 12609000},
    /* 12 and 98 tokens, 0.000012 + 0.000098 + 0.005 = 0.00511. */
    {.kind = "perplexity",
     .model = "sonar",
     .source = PERPLEXITY,
     .input = 12,
     .output = 98,
     .request = 1,
     .nano = 5110000},

    /* ---- RATED: cached tokens are a part of the prompt -------------------------------------
     */
    /* 8,000 x 2.5 + 2,000 x 0.25 + 1,000 x 15 */
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .input = 10000,
     .cache_read = 2000,
     .output = 1000,
     .nano = 35500000},
    /* Half of it: 8,000 x 1.25 + 2,000 x 0.13 + 1,000 x 7.5 */
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .service = BATCH,
     .input = 10000,
     .cache_read = 2000,
     .output = 1000,
     .nano = 17760000},
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .service = FLEX,
     .input = 10000,
     .cache_read = 2000,
     .output = 1000,
     .nano = 17760000},
    /* Twice: 8,000 x 5 + 2,000 x 0.5 + 1,000 x 30 */
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .service = PRIORITY,
     .input = 10000,
     .cache_read = 2000,
     .output = 1000,
     .nano = 71000000},
    /* The last token at the lower rates, and one more: all of it at the higher ones. */
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .input = 272000,
     .output = 1000,
     .nano = 695000000},
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .input = 272001,
     .output = 1000,
     .nano = 1382505000},
    /* No long prompts with priority: what is served as usual is paid as usual. */
    {.kind = "openai",
     .model = "gpt-5.4",
     .source = OPENAI,
     .service = PRIORITY,
     .input = 272001,
     .output = 1000,
     .nano = 1382505000},
    /* A dated name; reasoning is paid as output: 1,000 x 0.2 + 500 x 1.25 */
    {.kind = "openai",
     .model = "gpt-5.4-nano-2026-03-17",
     .source = OPENAI,
     .input = 1000,
     .output = 500,
     .reasoning = 400,
     .nano = 825000},
    /* Sound has its rates: 100 x 2.5 + 200 x 32 + 50 x 10 + 300 x 64 */
    {.kind = "openai",
     .model = "gpt-audio",
     .source = OPENAI,
     .input = 300,
     .audio_input = 200,
     .output = 350,
     .audio_output = 300,
     .nano = 26350000},
    /* One token of an embedding: 0.02 for a million, 20 nanodollars. */
    {.kind = "openai",
     .model = "text-embedding-3-small",
     .source = OPENAI,
     .input = 1,
     .nano = 20},
    /* Two searches at 10 for a thousand. */
    {.kind = "openai",
     .model = "gpt-5.5",
     .source = OPENAI,
     .input = 1000,
     .output = 100,
     .search = 2,
     .nano = 28000000},

    /* ---- Anthropic counts cache reads and writes beside its input_tokens --------------------
     */
    /* input_tokens 10,000, cache_read 40,000, output 15,000: 0.05 + 0.02 + 0.375 */
    {.kind = "anthropic",
     .model = "claude-opus-4-6",
     .source = ANTHROPIC,
     .input = 50000,
     .cache_read = 40000,
     .output = 15000,
     .nano = 445000000},
    /* Written for five minutes at 1.25, for an hour at twice the input:
     * 1,000 x 5 + 2,000 x 6.25 + 4,000 x 10 + 100 x 25 */
    {.kind = "anthropic",
     .model = "claude-opus-4-6",
     .source = ANTHROPIC,
     .input = 7000,
     .cache_write = 2000,
     .cache_write_long = 4000,
     .output = 100,
     .nano = 60000000},
    /* All of it in a batch: 1,000 x 2.5 + 2,000 x 3.125 + 4,000 x 5 + 100 x 12.5 */
    {.kind = "anthropic",
     .model = "claude-opus-4-6",
     .source = ANTHROPIC,
     .service = BATCH,
     .input = 7000,
     .cache_write = 2000,
     .cache_write_long = 4000,
     .output = 100,
     .nano = 30000000},
    /* A million of tokens at the rate of all prompts. */
    {.kind = "anthropic",
     .model = "claude-opus-4-6",
     .source = ANTHROPIC,
     .input = 900000,
     .output = 1000,
     .nano = 4525000000},
    /* Its cache is read for a fortieth: 1 x 10 + 1,000,000 x 0.25 */
    {.kind = "anthropic",
     .model = "claude-fable-5-1",
     .source = ANTHROPIC,
     .input = 1000001,
     .cache_read = 1000000,
     .nano = 250010000},
    {.kind = "anthropic",
     .model = "claude-sonnet-4-5-20250929",
     .source = ANTHROPIC,
     .input = 1000,
     .output = 1000,
     .search = 3,
     .nano = 48000000},

    /* ---- Gemini: thoughts are output, prompts above 200,000 are dearer as a whole -----------
     */
    /* 1,000 x 1.25 + (200 + 800 of thoughts) x 10 */
    {.kind = "gemini",
     .model = "gemini-2.5-pro",
     .source = GEMINI,
     .input = 1000,
     .output = 1000,
     .reasoning = 800,
     .nano = 11250000},
    {.kind = "gemini",
     .model = "gemini-2.5-pro",
     .source = GEMINI,
     .input = 200000,
     .output = 1000,
     .nano = 260000000},
    /* 200,001 x 2.5 + 1,000 x 15 */
    {.kind = "gemini",
     .model = "gemini-2.5-pro",
     .source = GEMINI,
     .input = 200001,
     .output = 1000,
     .nano = 515002500},
    /* 100,001 x 2.5 + 100,000 x 0.25 + 1,000 x 15 */
    {.kind = "gemini",
     .model = "gemini-2.5-pro",
     .source = GEMINI,
     .input = 200001,
     .cache_read = 100000,
     .output = 1000,
     .nano = 290002500},
    {.kind = "gemini",
     .model = "gemini-2.5-pro",
     .source = GEMINI,
     .service = BATCH,
     .input = 200001,
     .output = 1000,
     .nano = 257501250},
    /* Sound at 1, the rest at 0.3: 500 x 0.3 + 1,500 x 1 + 100 x 2.5 */
    {.kind = "gemini",
     .model = "gemini-2.5-flash",
     .source = GEMINI,
     .input = 2000,
     .audio_input = 1500,
     .output = 100,
     .nano = 1900000},
    {.kind = "gemini",
     .model = "gemini-embedding-2",
     .source = GEMINI,
     .input = 1000,
     .image_input = 258,
     .nano = 264500},

    /* ---- DeepSeek: prompt_cache_hit_tokens + prompt_cache_miss_tokens = prompt_tokens
       -------- */
    /* 900 x 0.3 + 100 x 0.006 + 50 x 1.2 */
    {.kind = "deepseek",
     .model = "deepseek-v4-flash",
     .source = DEEPSEEK,
     .input = 1000,
     .cache_read = 100,
     .output = 50,
     .reasoning = 40,
     .nano = 330600},
    /* 1 x 0.044: 44 nanodollars for a token of the cache */
    {.kind = "deepseek",
     .model = "deepseek-v4-pro",
     .source = DEEPSEEK,
     .input = 1,
     .cache_read = 1,
     .nano = 44},

    /* ---- Alibaba: the size of the prompt decides about all its tokens
       ------------------------ */
    {.kind = "alibaba",
     .model = "qwen3-max",
     .source = ALIBABA,
     .input = 32000,
     .output = 1000,
     .nano = 44400000},
    {.kind = "alibaba",
     .model = "qwen3-max",
     .source = ALIBABA,
     .input = 32001,
     .output = 1000,
     .nano = 88802400},
    {.kind = "alibaba",
     .model = "qwen3-max",
     .source = ALIBABA,
     .input = 128001,
     .output = 1000,
     .nano = 399003000},
    {.kind = "alibaba",
     .model = "qwen3.7-plus",
     .source = ALIBABA,
     .input = 300000,
     .cache_read = 100000,
     .output = 1000,
     .nano = 268800000},

    /* ---- others
       ------------------------------------------------------------------------------ */
    {.kind = "xai",
     .model = "grok-4.3",
     .source = XAI,
     .input = 200000,
     .output = 1000,
     .nano = 252500000},
    {.kind = "xai",
     .model = "grok-4.3",
     .source = XAI,
     .input = 200001,
     .output = 1000,
     .nano = 505002500},
    {.kind = "mistral",
     .model = "mistral-large-latest",
     .source = "https://docs.mistral.ai/models/mistral-large-3-25-12",
     .input = 3000,
     .cache_read = 1000,
     .output = 1000,
     .nano = 2550000},
    {.kind = "groq",
     .model = "openai/gpt-oss-120b",
     .source = "https://groq.com/pricing",
     .input = 2000,
     .cache_read = 1000,
     .output = 500,
     .nano = 525000},
    {.kind = "moonshot",
     .model = "kimi-k3.1-pro",
     .source = "https://platform.kimi.ai/docs/pricing/chat",
     .input = 1000,
     .cache_read = 900,
     .output = 100,
     .nano = 1380000},
    {.kind = "zhipu",
     .model = "glm-5.3",
     .source = "https://docs.z.ai/guides/overview/pricing",
     .input = 1000,
     .cache_read = 500,
     .output = 100,
     .nano = 1270000},
    {.kind = "minimax",
     .model = "MiniMax-M3",
     .source = "https://platform.minimax.io/docs/pricing/overview",
     .input = 512001,
     .output = 1000,
     .nano = 309600600},
    {.kind = "together",
     .model = "moonshotai/Kimi-K3.1-Pro",
     .source = "https://api.together.ai/v1/models",
     .input = 1000,
     .cache_read = 1000,
     .output = 10,
     .nano = 300000},
    {.kind = "fireworks",
     .model = "accounts/fireworks/models/kimi-k3",
     .source = "https://api.fireworks.ai/v1/serverless/models",
     .service = PRIORITY,
     .input = 1000,
     .output = 100,
     .nano = 5625000},
    {.kind = "cohere",
     .model = "command-a-03-2025",
     .source = "https://cohere.com/pricing",
     .input = 1000,
     .output = 1000,
     .nano = 12500000},
    {.kind = "azure",
     .model = "gpt-4o-2024-11-20",
     .source = "https://azure.microsoft.com/pricing/details/cognitive-services/"
               "openai-service/",
     .input = 1000,
     .cache_read = 400,
     .output = 100,
     .nano = 3000000},
    /* Reasoning with a rate of its own, and searches: 33 x 2 + 100 x 8 + 900 x 3, 2 x 5/1,000
     */
    {.kind = "perplexity",
     .model = "sonar-deep-research",
     .source = PERPLEXITY,
     .input = 33,
     .output = 1000,
     .reasoning = 900,
     .search = 2,
     .nano = 13566000},
};

static struct price_use use_of(const struct bill *bill)
{
    return (struct price_use){.service = bill->service,
                              .counts = {
                                  [PRICE_input] = bill->input,
                                  [PRICE_output] = bill->output,
                                  [PRICE_cache_read] = bill->cache_read,
                                  [PRICE_cache_write] = bill->cache_write,
                                  [PRICE_cache_write_long] = bill->cache_write_long,
                                  [PRICE_reasoning] = bill->reasoning,
                                  [PRICE_audio_input] = bill->audio_input,
                                  [PRICE_audio_output] = bill->audio_output,
                                  [PRICE_image_input] = bill->image_input,
                                  [PRICE_request] = bill->request,
                                  [PRICE_search] = bill->search,
                              }};
}

static struct price_sheets price_of(const struct bill *bill, struct arena *arena)
{
    struct price_sheets sheets = {NULL, 0};
    const struct catalogue_model *model;
    struct buffer error _buffer_;

    buffer_init(&error, 1000);
    if (!bill->kind) {
        ck_assert(price_rows_sheets(span_of_text(bill->model), arena, &sheets, &error));
        return sheets;
    }
    model = catalogue_find(catalogue_built_in(), provider_kind_find(span_of_text(bill->kind)),
                           span_of_text(bill->model));
    ck_assert_msg(model && model->price.count > 0, "%s %s has no price", bill->kind,
                  bill->model);
    return model->price;
}

START_TEST(a_bill_is_right_to_the_nanodollar)
{
    const struct bill *bill = &bills[_i];
    struct price_use use = use_of(bill);
    struct price_sheets price;
    const struct price_sheet *sheet;
    struct buffer text _buffer_;
    struct arena arena;

    arena_init(&arena, 0);
    buffer_init(&text, 4096);
    price = price_of(bill, &arena);
    sheet = price_find_sheet(price.rows, price.count, &use);
    ck_assert_ptr_nonnull(sheet);
    ck_assert_uint_eq(price_explain(sheet, &use, &text), price_cost(sheet, &use));
    ck_assert_msg(price_cost(sheet, &use) == bill->nano,
                  "%s (%s): %.*s is not %llu nanodollars", bill->model, bill->source,
                  SPAN_ARG(buffer_span(&text)), (unsigned long long)bill->nano);
    arena_done(&arena);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("price bills");
    TCase *tests = tcase_create("price bills");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, a_bill_is_right_to_the_nanodollar, 0, (int)ARRAY_LEN(bills));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
