/* The row of the OpenAI responses dialect. */
#include "worker/translate/responses/responses.h"

#include "shared/base/check.h"

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
    .service_member = WORD("service_tier"),
    .reader_bytes = RESPONSES_READER_BYTES,
    .writer_bytes = RESPONSES_WRITER_BYTES,
    .read_chat = responses_read_chat,
    .write_chat = responses_write_chat,
    .read_reply = responses_read_reply,
    .write_reply = responses_write_reply,
    .read_record = responses_read_record,
    .read_end = responses_read_end,
    .write_event = responses_write_event,
    .read_usage = responses_read_usage,
    .tap_record = responses_tap_record,
    .write_complaint = responses_write_complaint,
    .write_stream_complaint = responses_write_stream_complaint,
    .ping = WORD(": ping\n\n"),
};
