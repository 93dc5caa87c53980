/* Errors as this dialect says them. */
#include "worker/translate/anthropic/anthropic.h"

uint16_t anthropic_write_complaint(const struct complaint *complaint, struct json_writer *json)
{
    const struct complaint_row *row = complaint_row((enum complaint_kind)complaint->kind);

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("error"));
    json_write_key(json, SPAN("error"));
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), span_of_text(row->anthropic_type));
    text_write_member(json, SPAN("message"), complaint->message);
    json_write_object_end(json);
    text_write_member(json, SPAN("request_id"), complaint->request_id);
    json_write_object_end(json);
    return row->anthropic_status;
}

void anthropic_write_stream_complaint(const struct complaint *complaint, struct buffer *out)
{
    struct json_writer json;

    (void)buffer_append(out, SPAN("event: error\ndata: "));
    json_write_init(&json, out);
    (void)anthropic_write_complaint(complaint, &json);
    (void)buffer_append(out, SPAN("\n\n"));
}
