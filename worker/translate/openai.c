#include "worker/translate/openai.h"

#include "shared/base/check.h"

#define WORD(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

const struct span openai_name = WORD("openai");

const struct span openai_request_headers[] = {WORD("idempotency-key"), WORD("openai-beta")};
const unsigned openai_request_header_count = ARRAY_LEN(openai_request_headers);

const struct span openai_answer_headers[] = {
    WORD("retry-after"),
    WORD("retry-after-ms"),
    WORD("x-should-retry"),
    WORD("content-encoding"),
    WORD("openai-processing-ms"),
    WORD("openai-version"),
    WORD("openai-model"),
    WORD("x-ratelimit-limit-requests"),
    WORD("x-ratelimit-limit-tokens"),
    WORD("x-ratelimit-remaining-requests"),
    WORD("x-ratelimit-remaining-tokens"),
    WORD("x-ratelimit-reset-requests"),
    WORD("x-ratelimit-reset-tokens"),
};
const unsigned openai_answer_header_count = ARRAY_LEN(openai_answer_headers);
