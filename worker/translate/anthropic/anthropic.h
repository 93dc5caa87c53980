/* worker/translate/anthropic/anthropic.h
 *
 * Anthropic messages (POST /v1/messages, version 2023-06-01): what other files than the row's
 * users may call.
 */
#ifndef WORKER_TRANSLATE_ANTHROPIC_ANTHROPIC_H
#define WORKER_TRANSLATE_ANTHROPIC_ANTHROPIC_H

#include "worker/translate/dialect.h"

/* Bodies of /v1/messages/count_tokens: max_tokens need not be there, and is not written. */
read_chat_f anthropic_read_count;
write_chat_f anthropic_write_count;

read_chat_f anthropic_read_chat;
write_chat_f anthropic_write_chat;
read_reply_f anthropic_read_reply;
write_reply_f anthropic_write_reply;
read_usage_f anthropic_read_usage;
/* The object of an answer's member "usage". */
void anthropic_write_usage(const struct usage *usage, struct json_writer *json);

read_record_f anthropic_read_record;
read_end_f anthropic_read_end;
write_event_f anthropic_write_event;
tap_record_f anthropic_tap_record;
/* Sizes of the states of streams, at least. */
#define ANTHROPIC_READER_BYTES 128
#define ANTHROPIC_WRITER_BYTES 256

write_complaint_f anthropic_write_complaint;
write_stream_complaint_f anthropic_write_stream_complaint;

#endif
