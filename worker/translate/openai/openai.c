/* The row of the OpenAI chat completions dialect. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_stream.h"

static const struct span request_headers[] = {WORD("idempotency-key"), WORD("openai-beta")};

static const struct span answer_headers[] = {
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

static const struct limit_field limit_fields[] = {
    {WORD("x-ratelimit-limit-requests"), LIMIT_UNIT_requests, LIMIT_VALUE_LIMIT},
    {WORD("x-ratelimit-remaining-requests"), LIMIT_UNIT_requests, LIMIT_VALUE_REMAINING},
    {WORD("x-ratelimit-reset-requests"), LIMIT_UNIT_requests, LIMIT_VALUE_RESET_SPAN},
    {WORD("x-ratelimit-limit-tokens"), LIMIT_UNIT_total_tokens, LIMIT_VALUE_LIMIT},
    {WORD("x-ratelimit-remaining-tokens"), LIMIT_UNIT_total_tokens, LIMIT_VALUE_REMAINING},
    {WORD("x-ratelimit-reset-tokens"), LIMIT_UNIT_total_tokens, LIMIT_VALUE_RESET_SPAN},
};

const struct dialect dialect_openai = {
    .name = WORD("openai"),
    .id = DIALECT_openai,
    .request_headers = request_headers,
    .request_header_count = ARRAY_LEN(request_headers),
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .limit_fields = limit_fields,
    .limit_field_count = ARRAY_LEN(limit_fields),
    .model_member = WORD("model"),
    .stream_member = WORD("stream"),
    .usage_member = WORD("usage"),
    .service_member = WORD("service_tier"),
    .read_chat = openai_read_chat,
    .write_chat = openai_write_chat,
    .read_reply = openai_read_reply,
    .write_reply = openai_write_reply,
    .reader_bytes = sizeof(struct openai_reader),
    .writer_bytes = sizeof(struct openai_writer),
    .write_event = openai_write_event,
    .read_record = openai_read_record,
    .read_end = openai_read_end,
    .read_usage = openai_read_usage,
    .tap_record = openai_tap_record,
    .pass_record = openai_pass_record,
    .write_complaint = openai_write_complaint,
    .write_stream_complaint = openai_write_stream_complaint,
    .fits = openai_fits,
    .instead = openai_instead,
    .ping = WORD(": ping\n\n"),
};
