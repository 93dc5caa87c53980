/* tests/support/chats.h
 *
 * Requests by chance, of all that a dialect can carry (carried.def, chat_fields.def) and in the
 * form that its reader gives them: what is written from one and read again is the same.
 */
#ifndef TESTS_SUPPORT_CHATS_H
#define TESTS_SUPPORT_CHATS_H

#include "tests/support/luck.h"
#include "worker/translate/traits.h"

/* Models that allow all that their dialect knows; reasoning is asked for in two ways. */
const struct model_traits *chats_traits(enum dialect_id dialect, bool by_budget);

/* The chat of SEED for a model of chats_traits(dialect, by_budget); lives in ARENA. */
void chats_make(uint64_t seed, enum dialect_id dialect, bool by_budget, struct arena *arena,
                struct chat *ret);

#endif
