/* The row of the Anthropic messages dialect. */
#include "worker/translate/anthropic/anthropic.h"

#include "shared/base/check.h"

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

static const struct limit_field limit_fields[] = {
    {WORD("anthropic-ratelimit-requests-limit"), LIMIT_UNIT_requests, LIMIT_VALUE_LIMIT},
    {WORD("anthropic-ratelimit-requests-remaining"), LIMIT_UNIT_requests,
     LIMIT_VALUE_REMAINING},
    {WORD("anthropic-ratelimit-requests-reset"), LIMIT_UNIT_requests, LIMIT_VALUE_RESET_TIME},
    {WORD("anthropic-ratelimit-tokens-limit"), LIMIT_UNIT_total_tokens, LIMIT_VALUE_LIMIT},
    {WORD("anthropic-ratelimit-tokens-remaining"), LIMIT_UNIT_total_tokens,
     LIMIT_VALUE_REMAINING},
    {WORD("anthropic-ratelimit-tokens-reset"), LIMIT_UNIT_total_tokens, LIMIT_VALUE_RESET_TIME},
    {WORD("anthropic-ratelimit-input-tokens-limit"), LIMIT_UNIT_input_tokens,
     LIMIT_VALUE_LIMIT},
    {WORD("anthropic-ratelimit-input-tokens-remaining"), LIMIT_UNIT_input_tokens,
     LIMIT_VALUE_REMAINING},
    {WORD("anthropic-ratelimit-input-tokens-reset"), LIMIT_UNIT_input_tokens,
     LIMIT_VALUE_RESET_TIME},
    {WORD("anthropic-ratelimit-output-tokens-limit"), LIMIT_UNIT_output_tokens,
     LIMIT_VALUE_LIMIT},
    {WORD("anthropic-ratelimit-output-tokens-remaining"), LIMIT_UNIT_output_tokens,
     LIMIT_VALUE_REMAINING},
    {WORD("anthropic-ratelimit-output-tokens-reset"), LIMIT_UNIT_output_tokens,
     LIMIT_VALUE_RESET_TIME},
};

const struct dialect dialect_anthropic = {
    .name = WORD("anthropic"),
    .id = DIALECT_anthropic,
    .request_headers = request_headers,
    .request_header_count = ARRAY_LEN(request_headers),
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .limit_fields = limit_fields,
    .limit_field_count = ARRAY_LEN(limit_fields),
    .model_member = WORD("model"),
    .stream_member = WORD("stream"),
    .usage_member = WORD("usage"),
    .reader_bytes = ANTHROPIC_READER_BYTES,
    .writer_bytes = ANTHROPIC_WRITER_BYTES,
    .read_chat = anthropic_read_chat,
    .read_count = anthropic_read_count,
    .write_chat = anthropic_write_chat,
    .read_reply = anthropic_read_reply,
    .write_reply = anthropic_write_reply,
    .read_record = anthropic_read_record,
    .read_end = anthropic_read_end,
    .write_event = anthropic_write_event,
    .read_usage = anthropic_read_usage,
    .tap_record = anthropic_tap_record,
    .write_complaint = anthropic_write_complaint,
    .write_stream_complaint = anthropic_write_stream_complaint,
    .ping = WORD("event: ping\ndata: {\"type\":\"ping\"}\n\n"),
};
