/* The row of DashScope's own API, which providers speak and no client does: it has no readers
 * of requests and no writers of answers. */
#include "worker/translate/dashscope/dashscope_inside.h"
#include "worker/translate/openai/openai_stream.h"

const struct dialect dialect_dashscope = {
    .name = WORD("dashscope"),
    .id = DIALECT_dashscope,
    .model_member = WORD("model"),
    .usage_member = WORD("usage"),
    .write_chat = dashscope_write_chat,
    .read_reply = dashscope_read_reply,
    .reader_bytes = sizeof(struct openai_reader),
    .read_record = dashscope_read_record,
    .read_end = openai_read_end,
    .read_usage = dashscope_read_usage,
};
