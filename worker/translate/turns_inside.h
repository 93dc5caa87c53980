/* worker/translate/turns_inside.h
 *
 * What the two halves of the turns share: turns.c joins messages into turns, turns_results.c
 * puts results beside their calls. Private to worker/translate.
 */
#ifndef WORKER_TRANSLATE_TURNS_INSIDE_H
#define WORKER_TRANSLATE_TURNS_INSIDE_H

#include "worker/translate/turns.h"

struct turn *turn_new(enum message_role role, struct arena *arena);
void turn_add(struct turn *turn, const struct block *block, struct arena *arena);
/* Puts all blocks of FROM at the end of TO. */
void turn_absorb(struct turn *to, struct turn *from);
/* Makes a system turn one of the user's: its texts become <system>...</system>. */
void turn_fold(struct turn *turn, struct arena *arena);

/* Results come first in their turn, in the order of the calls before it, each call has one. */
void turns_settle_results(struct translation *translation, const struct chat *chat,
                          struct turns *turns);

#endif
