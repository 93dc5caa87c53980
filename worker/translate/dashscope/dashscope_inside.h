/* worker/translate/dashscope/dashscope_inside.h
 *
 * DashScope's generation API: messages and choices are those of chat completions, in an
 * envelope of input and parameters on the way out, of output and usage on the way back. Models
 * that see or hear have contents in parts of another form. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_DASHSCOPE_DASHSCOPE_INSIDE_H
#define WORKER_TRANSLATE_DASHSCOPE_DASHSCOPE_INSIDE_H

#include "worker/translate/openai/openai_writing.h"

/* The value of KEY "messages". False: refused. */
bool dashscope_write_messages(struct chat_writing *writing);

write_chat_f dashscope_write_chat;
read_reply_f dashscope_read_reply;
read_record_f dashscope_read_record;
read_usage_f dashscope_read_usage;

#endif
