/* Errors, as a body of their own and within a stream. */
#include "worker/translate/gemini/gemini_inside.h"

#define RETRY_TYPE SPAN("type.googleapis.com/google.rpc.RetryInfo")

static void write_retry(struct json_writer *json, uint32_t retry_after_ms)
{
    struct buffer delay _buffer_ = {.ptr = NULL};

    buffer_init(&delay, 32);
    if (retry_after_ms == 0)
        return;
    (void)buffer_append_u64(&delay, ((uint64_t)retry_after_ms + 999) / 1000);
    (void)buffer_append_byte(&delay, 's');
    json_write_key(json, SPAN("details"));
    json_write_array(json);
    json_write_object(json);
    json_write_member_text(json, SPAN("@type"), RETRY_TYPE);
    json_write_member_text(json, SPAN("retryDelay"), buffer_span(&delay));
    json_write_object_end(json);
    json_write_array_end(json);
}

uint16_t gemini_write_complaint(const struct complaint *complaint, struct json_writer *json)
{
    const struct complaint_row *row = complaint_row((enum complaint_kind)complaint->kind);

    json_write_object(json);
    json_write_key(json, SPAN("error"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("code"), row->gemini_status);
    text_write_member(json, SPAN("message"), complaint->message);
    json_write_member_text(json, SPAN("status"), span_of_text(row->gemini_word));
    write_retry(json, complaint->retry_after_ms);
    json_write_object_end(json);
    json_write_object_end(json);
    return row->gemini_status;
}

void gemini_write_stream_complaint(const struct complaint *complaint, struct buffer *out)
{
    struct json_writer json;

    (void)buffer_append(out, SPAN("data: "));
    json_write_init(&json, out);
    (void)gemini_write_complaint(complaint, &json);
    (void)buffer_append(out, SPAN("\r\n\r\n"));
}
