/* tests/support/chats_inside.h
 *
 * What the makers of conversations and of settings share (chats.c, chats_settings.c).
 */
#ifndef TESTS_SUPPORT_CHATS_INSIDE_H
#define TESTS_SUPPORT_CHATS_INSIDE_H

#include "tests/support/chats.h"

enum carried {
#define CARRIED(what, openai, responses, anthropic, gemini) CARRIED_##what,
#include "tests/support/carried.def"
#undef CARRIED
    CARRIED_COUNT
};

struct chat_maker {
    struct luck luck;
    struct chat *chat;
    enum dialect_id dialect;
    bool by_budget;
    unsigned calls; /* so far */
    unsigned marks; /* of the cache, so far */
};

bool carries(enum dialect_id dialect, enum carried what);
/* Whether DIALECT can, and chance wants it, once in COUNT times. */
bool maker_may(struct chat_maker *maker, enum carried what, uint32_t count);
/* A mark of the cache, seldom; never more than a request may have. */
enum cache_mark maker_mark(struct chat_maker *maker, enum carried what);

void chats_make_tools(struct chat_maker *maker);
void chats_make_settings(struct chat_maker *maker);

#endif
