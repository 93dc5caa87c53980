/* The row of the OpenAI responses dialect. */
#include "shared/base/check.h"

#include "worker/translate/dialect.h"

static const struct span request_headers[] = {
    WORD("openai-beta"),
    WORD("idempotency-key"),
};

static const struct span answer_headers[] = {
    WORD("retry-after"),
    WORD("retry-after-ms"),
    WORD("x-should-retry"),
    WORD("content-encoding"),
    WORD("openai-processing-ms"),
    WORD("openai-version"),
    WORD("x-ratelimit-limit-requests"),
    WORD("x-ratelimit-limit-tokens"),
    WORD("x-ratelimit-remaining-requests"),
    WORD("x-ratelimit-remaining-tokens"),
    WORD("x-ratelimit-reset-requests"),
    WORD("x-ratelimit-reset-tokens"),
};

const struct dialect dialect_responses = {
    .name = WORD("responses"),
    .id = DIALECT_responses,
    .request_headers = request_headers,
    .request_header_count = ARRAY_LEN(request_headers),
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .model_member = WORD("model"),
    .stream_member = WORD("stream"),
    .usage_member = WORD("usage"),
};
