/* worker/translate/turns.h
 *
 * A conversation as the strict dialects want it: user and assistant take turns, the results of
 * tools stand right after their calls in the order of the calls, each call has one result, and
 * nothing is empty. The chat itself is not changed: turns are lists of references.
 *
 * What is done: blocks that the target cannot say are left out; neighbours of one role become
 * one turn; results come first in their turn; a result without its call is left out; a call
 * without its result gets an error result; of calls with one id in one turn the later ones get
 * another id, and so do their results; blank texts (but those that carry a signature) and empty
 * messages are left out. System messages: see enum turns_flag. Time is linear in the chat.
 */
#ifndef WORKER_TRANSLATE_TURNS_H
#define WORKER_TRANSLATE_TURNS_H

#include "worker/translate/chat.h"
#include "worker/translate/translation.h"

enum turns_flag {
    TURNS_MID_SYSTEM = 1, /* a later system message may stay where it is, when legal there; else
                             it becomes a text <system>...</system> of the user's turn */
    TURNS_USER_FIRST = 2, /* a user's turn "." before an assistant's that is first, and for
                             system texts that nothing follows */
    TURNS_USER_LAST = 4,  /* a user's turn "Continue." after an assistant's that is last */
    TURNS_ACT_WORDS = 8,  /* code that a hosted tool ran becomes words */
};

struct turn_block {
    struct turn_block *next;
    const struct block *block; /* of the chat, or made up in the arena */
    const struct block *call;  /* tool result: the call that it answers */
};

struct turn {
    struct turn *next;
    uint8_t role;   /* enum message_role; ROLE_system only with TURNS_MID_SYSTEM */
    uint32_t calls; /* of tools, in it */
    struct turn_block *blocks, *last;
};

struct turns {
    struct turn_block *system,
        *last_system; /* of the leading system messages, blank ones left out */
    struct turn *first, *last;
};

/* Whether the target can say BLOCK; what it cannot, the function has named by drop(). */
typedef bool says_block_f(struct translation *translation, const struct block *block);

/* SAYS may be NULL: everything. */
void turns_make(struct translation *translation, const struct chat *chat, uint32_t flags,
                says_block_f *says, struct turns *ret);
/* The call that a tool result answers, or NULL. Walks the chat: once per request, not per
 * block (struct turn_block knows its call). */
const struct block *turns_find_call(const struct chat *chat, struct text id);
/* Where BLOCK stands, in the client's words: "messages[3].content[0]". Walks the chat. */
struct span turns_place(const struct chat *chat, const struct block *block,
                        struct arena *arena);

/* Names the citations of an earlier answer as dropped, when BLOCK has any. */
void turns_drop_citations(struct translation *translation, const struct block *block);
/* Names BLOCK as dropped, by its place. */
void turns_drop(struct translation *translation, const struct block *block);

#endif
