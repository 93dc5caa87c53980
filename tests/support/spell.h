/* tests/support/spell.h
 *
 * The canonical forms in words, for the tables of tests: what a reader of a dialect understood,
 * in one line for each message, tool, setting. Texts stand as they are (escaped), in "".
 *
 *   user "hi" image:data:image/png:AAAA
 *   assistant reasoning"think" call:c1:get{"a":1} cache
 *   user result:c1["15"]
 *   tool get "describes" {"type":"object"}
 *   temperature 0.7
 */
#ifndef TESTS_SUPPORT_SPELL_H
#define TESTS_SUPPORT_SPELL_H

#include "worker/translate/event.h"
#include "worker/translate/reply.h"

void spell_chat(const struct chat *chat, struct buffer *out);
/* "a, b": what was named as dropped; nothing when nothing was. */
void spell_dropped(const struct translation *translation, struct buffer *out);
void spell_reply(const struct reply *reply, struct buffer *out);
void spell_event(const struct event *event, struct buffer *out);
void spell_usage(const struct usage *usage, struct buffer *out);
void spell_complaint(const struct complaint *complaint, struct buffer *out);

#endif
