/* The row of the Anthropic messages dialect. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic.h"

static const struct span request_headers[] = {
    WORD("anthropic-version"),
    WORD("anthropic-beta"),
    WORD("idempotency-key"),
};

static const struct span answer_headers[] = {
    WORD("retry-after"),
    WORD("x-should-retry"),
    WORD("content-encoding"),
    WORD("anthropic-ratelimit-requests-limit"),
    WORD("anthropic-ratelimit-requests-remaining"),
    WORD("anthropic-ratelimit-requests-reset"),
    WORD("anthropic-ratelimit-tokens-limit"),
    WORD("anthropic-ratelimit-tokens-remaining"),
    WORD("anthropic-ratelimit-tokens-reset"),
    WORD("anthropic-ratelimit-input-tokens-limit"),
    WORD("anthropic-ratelimit-input-tokens-remaining"),
    WORD("anthropic-ratelimit-input-tokens-reset"),
    WORD("anthropic-ratelimit-output-tokens-limit"),
    WORD("anthropic-ratelimit-output-tokens-remaining"),
    WORD("anthropic-ratelimit-output-tokens-reset"),
};

const struct dialect dialect_anthropic = {
    .name = WORD("anthropic"),
    .id = DIALECT_anthropic,
    .request_headers = request_headers,
    .request_header_count = ARRAY_LEN(request_headers),
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .model_member = WORD("model"),
    .stream_member = WORD("stream"),
    .usage_member = WORD("usage"),
    .read_chat = anthropic_read_chat,
    .write_chat = anthropic_write_chat,
};
