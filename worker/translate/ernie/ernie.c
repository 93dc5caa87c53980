/* The row of Baidu's first API, which providers speak and no client does: it has no readers of
 * requests and no writers of answers. */
#include "worker/translate/ernie/ernie_inside.h"

const struct dialect dialect_ernie = {
    .name = WORD("ernie"),
    .id = DIALECT_ernie,
    .stream_member = WORD("stream"),
    .usage_member = WORD("usage"),
    .write_chat = ernie_write_chat,
    .read_reply = ernie_read_reply,
    .reader_bytes = sizeof(struct ernie_reader),
    .read_record = ernie_read_record,
    .read_end = ernie_read_end,
    .read_usage = ernie_read_usage,
};
