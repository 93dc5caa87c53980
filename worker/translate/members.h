/* worker/translate/members.h
 *
 * How readers of dialects find members of objects and the words that stand for enums.
 */
#ifndef WORKER_TRANSLATE_MEMBERS_H
#define WORKER_TRANSLATE_MEMBERS_H

#include "worker/translate/translation.h"

/* Whether KEY, as it stands in a body, perhaps with escapes, is NAME. */
bool key_is(struct span key, struct span name);

/* Sets VALUES[i] to the member of OBJECT that is named KEYS[i], in one walk; null and what is
 * not there are JSON_ABSENT. Other members are passed over; of one that stands twice the first
 * counts, as in json_member. */
void pick_members(struct json_value object, const struct span *keys, unsigned count,
                  struct json_value *values);
/* The same of bytes that nobody has checked, at most PICK_MEMBERS_MAX members, in one pass.
 * False when they are no JSON object, or one of KEYS stands twice. */
#define PICK_MEMBERS_MAX 16
bool pick_unchecked(struct span object, const struct span *keys, unsigned count,
                    struct json_value *values);
/* As pick_members for an object at PATH of a request: other members are named as dropped. False
 * when it is no object. */
bool take_members(struct translation *t, const struct path *path, struct json_value object,
                  const struct span *keys, unsigned count, struct json_value *values);

/* A list of members: an enum PREFIX_name and, by MEMBER_KEYS, their names. */
#define MEMBER_KEY(name) WORD(#name),

struct word {
    struct span text;
    uint8_t value;
};

/* The value of the string WORD in the COUNT rows of TABLE; false when it is not there. */
bool word_value(const struct word *table, unsigned count, struct json_value word, uint8_t *ret);
/* The first word for VALUE; SPAN_NONE when there is none. */
struct span word_text(const struct word *table, unsigned count, uint8_t value);

/* A string; else refused. */
bool read_string(struct translation *t, const struct path *path, struct json_value value,
                 struct text *ret);
/* The same for a member of the object at PATH that may be absent: *RET stays as it is. */
bool read_known(struct translation *t, const struct path *path, struct span key,
                struct json_value value, struct text *ret);
bool read_maybe(struct translation *t, const struct path *path, struct span key,
                struct json_value value, uint8_t *ret_maybe);
bool read_bool(struct translation *t, const struct path *path, struct json_value value,
               uint8_t *ret_maybe);

#endif
