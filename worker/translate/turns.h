/* worker/translate/turns.h
 *
 * A conversation as the strict dialects want it: user and assistant take turns, the results of
 * tools stand right after their calls in the order of the calls, each call has one result, and
 * nothing is empty. The chat itself is not changed: turns are lists of references.
 *
 * What is done: neighbours of one role become one turn; results come first in their turn; a
 * result without its call is left out; a call without its result gets an error result; blank
 * texts and empty messages are left out. System messages: see enum turns_flag.
 */
#ifndef WORKER_TRANSLATE_TURNS_H
#define WORKER_TRANSLATE_TURNS_H

#include "worker/translate/chat.h"
#include "worker/translate/translation.h"

enum turns_flag {
    TURNS_MID_SYSTEM = 1, /* a later system message may stay where it is, when legal there; else
                             it becomes a text <system>...</system> of the user's turn */
};

struct turn_block {
    struct turn_block *next;
    const struct block *block; /* of the chat, or made up in the arena */
};

struct turn {
    struct turn *next;
    uint8_t role; /* enum message_role; ROLE_system only with TURNS_MID_SYSTEM */
    struct turn_block *blocks, *last;
};

struct turns {
    struct turn_block *system,
        *last_system; /* of the leading system messages, blank ones left out */
    struct turn *first, *last;
};

void turns_make(struct translation *translation, const struct chat *chat, uint32_t flags,
                struct turns *ret);
/* The call that a tool result answers, or NULL. */
const struct block *turns_find_call(const struct chat *chat, struct text id);

#endif
