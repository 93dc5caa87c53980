/* supervisor/share/marks.h
 *
 * What one host clears in its cache is cleared on all: the marks of the cache's memory
 * (shared/cache/cache.h) and those in Redis are made one, the later of each. Each MARKS_TICK_MS
 * the controller asks whether anything is new; what it clears itself goes at once. Redis may
 * lose what it has: hosts tell it again what they know. While Redis does not answer, the
 * workers learn from the memory that nobody has heard of the others (cache_marks_known).
 *
 * In the controller's loop; a connection of its own.
 */
#ifndef SUPERVISOR_SHARE_MARKS_H
#define SUPERVISOR_SHARE_MARKS_H

#include <uv.h>

#include "shared/base/span.h"
#include "shared/cache/cache.h"

#define MARKS_TICK_MS   50
#define MARKS_ANSWER_MS 50
#define MARKS_OPEN_MS   100

struct marks;

struct marks *marks_new(uv_loop_t *loop);
void marks_free(struct marks *marks);
/* URL: of Redis, copied; ptr NULL: answers are not shared. */
void marks_follow(struct marks *marks, struct span url);
/* CACHE, which must live until the next call; NULL: there is none. */
void marks_watch(struct marks *marks, struct cache *cache);
/* Something was cleared here. */
void marks_changed(struct marks *marks);
/* "off", "answers", "away" */
struct span marks_state(const struct marks *marks);
/* The last failure as a sentence, or not there. */
struct span marks_trouble(const struct marks *marks);

#endif
