#include "worker/translate/tokenizer.h"

#include "shared/base/check.h"

#define THOUSAND 1000

static const struct tokenizer_row rows[] = {
#define TOKENIZER(name_, message_, tool_, tools_, picture_, seconds_, page_) \
    {.name = WORD(#name_),                                                   \
     .message = message_,                                                    \
     .tool = tool_,                                                          \
     .tools = tools_,                                                        \
     .picture = picture_,                                                    \
     .seconds = seconds_,                                                    \
     .page = page_},
#include "worker/translate/tokenizers.def"
};

static const int16_t weights[TALLY_COUNT][TOKENIZER_COUNT] = {
#define FEATURE(name, ...) {__VA_ARGS__},
#include "worker/translate/tokenizers.def"
};

static const struct family {
    struct span word;
    enum tokenizer tokenizer;
} families[] = {

#define FAMILY(word_, tokenizer_) {.word = WORD(word_), .tokenizer = TOKENIZER_##tokenizer_},
#include "worker/translate/models.def"
};

static const uint8_t usual[DIALECT_COUNT] = {
    [DIALECT_anthropic] = TOKENIZER_claude_new,
    [DIALECT_gemini] = TOKENIZER_gemini,
    [DIALECT_dashscope] = TOKENIZER_qwen,
    [DIALECT_ernie] = TOKENIZER_qwen,
};

const struct tokenizer_row *tokenizer_row(enum tokenizer tokenizer)
{
    CHECK(tokenizer < TOKENIZER_COUNT);
    return &rows[tokenizer];
}

static bool is_sign(char c)
{
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
}

/* The longer of BEST and a word that NAME begins with. */
static const struct family *better(const struct family *best, struct span name)
{
    for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
        struct span word = families[i].word;

        if ((name.ptr[0] | 0x20) == word.ptr[0] && name.len >= word.len &&
            span_eq_nocase(span_of(name.ptr, word.len), word) &&
            (!best || word.len > best->word.len))
            best = &families[i];
    }
    return best;
}

enum tokenizer tokenizer_of(struct span model, enum dialect_id dialect)
{
    const struct family *best = NULL;

    for (size_t at = 0; at < model.len; at++)
        if (at == 0 || is_sign(model.ptr[at - 1]))
            best = better(best, span_skip(model, at));
    return best ? best->tokenizer : (enum tokenizer)usual[dialect];
}

uint64_t tokenizer_weigh(const uint64_t counts[TALLY_COUNT], enum tokenizer tokenizer)
{
    int64_t sum = 0;

    CHECK(tokenizer < TOKENIZER_COUNT);
    for (unsigned i = 0; i < TALLY_COUNT; i++)
        sum += (int64_t)counts[i] * weights[i][tokenizer];
    return sum > 0 ? (uint64_t)(sum + THOUSAND / 2) / THOUSAND : 0;
}
