/* shared/redis/link.h
 *
 * A connection to Redis, for the loop of the controller or of a worker: it never blocks, and
 * nothing of hiredis is seen outside. One address at a time; the user's scripts are loaded when
 * the connection is made, and again when the server has forgotten them. The caller decides when
 * to open, and how long to wait: redis_drop ends whatever is under way.
 *
 * A build without Redis has a link that never opens.
 */
#ifndef SHARED_REDIS_LINK_H
#define SHARED_REDIS_LINK_H

#include <stdbool.h>
#include <uv.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define REDIS_LINK_VALUES_MAX    8
#define REDIS_LINK_SCRIPTS_MAX   8
#define REDIS_LINK_ARGUMENTS_MAX 24 /* of a command; a script takes three for itself */

enum redis_state {
    REDIS_LINK_CLOSED,
    REDIS_LINK_OPENING,
    REDIS_LINK_OPEN
};

struct redis;

/* The answer of a script, a list of texts, or of a command, one text (ptr NULL: Redis has
 * nothing). They live until the function returns; COUNT 0: there is no answer, it failed or the
 * connection was lost. TAG is the caller's. */
typedef void redis_answer_f(void *who, unsigned tag, const struct span *values, unsigned count);

struct redis_user {
    redis_answer_f *answer;
    void *who;
    const char *const *scripts; /* Lua, at most REDIS_LINK_SCRIPTS_MAX */
    unsigned script_count;
};

/* False in a build without Redis. */
bool redis_there(void);
struct redis *redis_new(uv_loop_t *loop, const struct redis_user *user);
/* Closes; the memory goes when the loop has let go of it. */
void redis_free(struct redis *redis);
/* URL as in the settings: redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]. The link must be
 * closed. */
void redis_open(struct redis *redis, struct span url);
enum redis_state redis_state(const struct redis *redis);
/* Asks the user's script number SCRIPT about KEYS[0 .. KEY_COUNT-1], which come first among
 * VALUES. The link must be open. */
void redis_ask(struct redis *redis, unsigned tag, unsigned script, const struct span *values,
               unsigned count, unsigned key_count);
/* Sends the command of these WORDS. The link must be open. */
void redis_command(struct redis *redis, unsigned tag, const struct span *words, unsigned count);
/* Closes at once; answers that were awaited come without values. */
void redis_drop(struct redis *redis);
/* The last failure as a sentence; without a password. */
struct span redis_trouble(const struct redis *redis);

#endif
