/* worker/translate/openai/openai.h
 *
 * The functions of the row dialect_openai. Private to the folder and its tests.
 */
#ifndef WORKER_TRANSLATE_OPENAI_OPENAI_H
#define WORKER_TRANSLATE_OPENAI_OPENAI_H

#include "worker/translate/dialect.h"

read_chat_f openai_read_chat;
write_chat_f openai_write_chat;
read_reply_f openai_read_reply;
write_reply_f openai_write_reply;
read_record_f openai_read_record;
read_end_f openai_read_end;
write_event_f openai_write_event;
read_usage_f openai_read_usage;
tap_record_f openai_tap_record;
pass_record_f openai_pass_record;
write_complaint_f openai_write_complaint;
write_stream_complaint_f openai_write_stream_complaint;
fits_f openai_fits;
instead_f openai_instead;

#endif
