/* tests/support/replies.h
 *
 * Answers by chance, of all that a dialect can carry (answered.def) and in the form that its
 * readers give them; told as streams, and put together again from the events of one.
 */
#ifndef TESTS_SUPPORT_REPLIES_H
#define TESTS_SUPPORT_REPLIES_H

#include "tests/support/hearing.h"
#include "tests/support/luck.h"
#include "worker/translate/event.h"

/* The reply of SEED, which lives in ARENA. STREAMED: without what only whole answers have. */
void replies_make(uint64_t seed, enum dialect_id dialect, bool streamed, struct arena *arena,
                  struct reply *ret);

/* REPLY as events for WRITER: deltas of any length, calls that come at once, the usage early
 * and late, pings. */
void replies_tell(const struct reply *reply, struct luck *luck, struct event_writer *writer);

/* Whether the citations of DIALECT say where in their text they belong. */
bool replies_place(enum dialect_id dialect);

/* Asks in CHAT for a search of the web: who did not ask is not told the places of what is
 * cited. */
void replies_ask(struct chat *chat, struct arena *arena);

/* Arguments of calls as texts, ids of thoughts left out: for both sides of a comparison. */
void replies_settle(struct reply *reply, struct arena *arena);

#define GATHERED_BLOCKS GRAMMAR_BLOCKS

/* Takes the events of a reader: the answer that they make. */
struct gathering {
    struct arena *arena;
    struct grammar grammar;
    struct reply reply;
    struct block *blocks[GATHERED_BLOCKS];
    const struct complaint *complaint; /* of an error, or NULL */
};

void gathering_init(struct gathering *gathering, struct arena *arena);
take_event_f gathering_take;

#endif
