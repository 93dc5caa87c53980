/* The row of the Gemini generateContent dialect. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

static const struct span answer_headers[] = {
    WORD("retry-after"),
    WORD("content-encoding"),
    WORD("server-timing"),
};

const struct dialect dialect_gemini = {
    .name = WORD("gemini"),
    .id = DIALECT_gemini,
    .answer_headers = answer_headers,
    .answer_header_count = ARRAY_LEN(answer_headers),
    .usage_member = WORD("usageMetadata"),
    .read_chat = gemini_read_chat,
    .write_chat = gemini_write_chat,
    .read_reply = gemini_read_reply,
    .write_reply = gemini_write_reply,
    .reader_bytes = GEMINI_STATE_BYTES,
    .writer_bytes = GEMINI_STATE_BYTES,
    .reads_bare = true,
    .waits_in_body = true,
    .read_record = gemini_read_record,
    .read_end = gemini_read_end,
    .write_event = gemini_write_event,
    .read_usage = gemini_read_usage,
    .tap_record = gemini_tap_record,
    .write_complaint = gemini_write_complaint,
    .write_stream_complaint = gemini_write_stream_complaint,
};
