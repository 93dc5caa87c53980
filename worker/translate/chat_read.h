/* worker/translate/chat_read.h
 *
 * What requests of chat completions and of responses have in common: an object whose members
 * are settings with a reader each, fields that are one value, and extras. A dialect describes
 * its own by a form.
 */
#ifndef WORKER_TRANSLATE_CHAT_READ_H
#define WORKER_TRANSLATE_CHAT_READ_H

#include "worker/translate/members.h"

/* A request that is being read; on the stack. */
struct chat_reading {
    struct translation *t;
    struct arena *arena;
    struct chat *chat;
    struct extra **next_extra;
    uint32_t function_calls; /* calls without ids so far */
};

/* Reads VALUE, which stands at PATH and is no null; false: refused. */
typedef bool read_setting_f(struct chat_reading *reading, const struct path *path,
                            struct json_value value);

struct setting {
    struct span key;
    read_setting_f *read;
};

#define KIND(kind) (1U << JSON_##kind)
#define KINDS_BOOL (KIND(TRUE) | KIND(FALSE))

/* The outermost object. */
struct chat_form {
    enum dialect_id dialect;
    const struct setting *settings;
    unsigned setting_count;
    const uint16_t *field_kinds; /* CHAT_FIELD_COUNT: kinds of JSON it may be; 0: any */
};

/* False (refused): a member is not as it must be. */
bool chat_read(struct translation *t, const struct chat_form *form, struct json_value body,
               struct chat *ret);

/* Readers of settings that both have. */
read_setting_f chat_read_nothing, chat_read_stream, chat_read_parallel, chat_read_service_tier;

/* VALUE as FIELD; refused when it is of none of KINDS (0: any). */
bool chat_read_field(struct chat_reading *reading, const struct path *path,
                     enum chat_field field, unsigned kinds, struct json_value value);

/* Every item of an array. */
bool chat_read_list(struct chat_reading *reading, const struct path *path,
                    struct json_value value, read_setting_f *read_item);

/* The format's kind by its TYPE, a member of the object at PATH. */
bool chat_read_format_type(struct chat_reading *reading, const struct path *path,
                           struct json_value type);

#endif
