/* worker/translate/responses/responses.h
 *
 * The functions of the row dialect_responses. Private to the folder and its tests.
 */
#ifndef WORKER_TRANSLATE_RESPONSES_RESPONSES_H
#define WORKER_TRANSLATE_RESPONSES_RESPONSES_H

#include "worker/translate/dialect.h"

read_chat_f responses_read_chat;
write_chat_f responses_write_chat;
read_reply_f responses_read_reply;
write_reply_f responses_write_reply;
read_record_f responses_read_record;
read_end_f responses_read_end;
write_event_f responses_write_event;
read_usage_f responses_read_usage;
tap_record_f responses_tap_record;
write_complaint_f responses_write_complaint;
write_stream_complaint_f responses_write_stream_complaint;

/* Room for the states of streams; what a writer keeps of texts is in buffers of its own, see
 * responses_stream_write.c. */
#define RESPONSES_READER_BYTES 4608
#define RESPONSES_WRITER_BYTES 256

#endif
