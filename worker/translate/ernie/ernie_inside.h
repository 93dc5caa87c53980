/* worker/translate/ernie/ernie_inside.h
 *
 * Baidu's first API for ERNIE: the system apart, an odd number of messages in which user and
 * assistant take turns, one call of a function at a time, one answer with one text. Errors come
 * with status 200. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_ERNIE_ERNIE_INSIDE_H
#define WORKER_TRANSLATE_ERNIE_ERNIE_INSIDE_H

#include "worker/translate/openai/openai_writing.h"

#define ERNIE_NAME_LIMIT 64 /* bytes of a function's name */

/* The members "messages" and "system". False: refused. */
bool ernie_write_messages(struct chat_writing *writing);
/* The members "functions" and "tool_choice". */
void ernie_write_functions(struct chat_writing *writing);

/* ---- answers --------------------------------------------------------------------------- */

#define ERNIE_ANSWER_MEMBERS(M) \
    M(id)                       \
    M(created)                  \
    M(result)                   \
    M(function_call)            \
    M(finish_reason)            \
    M(is_truncated)             \
    M(need_clear_history)       \
    M(is_end)                   \
    M(usage)                    \
    M(error_code)

enum ernie_answer_member {
#define MEMBER(name) ERNIE_##name,
    ERNIE_ANSWER_MEMBERS(MEMBER)
#undef MEMBER
    ERNIE_ANSWER_MEMBER_COUNT
};

/* Why an answer with these members ended; never STOP_NONE. */
enum stop_reason ernie_stop(const struct json_value *answer);

struct ernie_reader {
    bool started, is_open, called;
    uint32_t next_block;
};

write_chat_f ernie_write_chat;
read_reply_f ernie_read_reply;
read_record_f ernie_read_record;
read_end_f ernie_read_end;
read_usage_f ernie_read_usage;

#endif
