/* Errors as chat completions say them. */
#include "worker/translate/openai/openai.h"

uint16_t openai_write_complaint(const struct complaint *complaint, struct json_writer *json)
{
    const struct complaint_row *row = complaint_row((enum complaint_kind)complaint->kind);

    json_write_object(json);
    json_write_key(json, SPAN("error"));
    json_write_object(json);
    text_write_member(json, SPAN("message"), complaint->message);
    json_write_member_text(json, SPAN("type"), span_of_text(row->openai_type));
    text_write_member(json, SPAN("param"), complaint->param);
    if (complaint->code.ptr)
        text_write_member(json, SPAN("code"), complaint->code);
    else
        json_write_member_text(json, SPAN("code"), span_of_text(row->openai_code));
    json_write_object_end(json);
    json_write_object_end(json);
    return row->openai_status;
}

void openai_write_stream_complaint(const struct complaint *complaint, struct buffer *out)
{
    struct json_writer json;

    (void)buffer_append(out, SPAN("data: "));
    json_write_init(&json, out);
    (void)openai_write_complaint(complaint, &json);
    (void)buffer_append(out, SPAN("\n\n"));
}
