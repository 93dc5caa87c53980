#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/redis/link.h"

struct redis {
    bool unused;
};

bool redis_there(void)
{
    return false;
}

struct redis *redis_new(uv_loop_t *loop, const struct redis_user *user)
{
    (void)loop;
    (void)user;
    return MEMORY_NEW(struct redis);
}

void redis_free(struct redis *redis)
{
    memory_free(redis);
}

void redis_open(struct redis *redis, struct span url)
{
    (void)redis;
    (void)url;
}

enum redis_state redis_state(const struct redis *redis)
{
    (void)redis;
    return REDIS_LINK_CLOSED;
}

void redis_ask(struct redis *redis, unsigned tag, unsigned script, const struct span *values,
               unsigned count, unsigned key_count)
{
    (void)tag;
    (void)script;
    (void)values;
    (void)count;
    (void)key_count;
    CHECK(redis->unused); /* it is never open */
}

void redis_command(struct redis *redis, unsigned tag, const struct span *words, unsigned count)
{
    (void)tag;
    (void)words;
    (void)count;
    CHECK(redis->unused); /* it is never open */
}

void redis_drop(struct redis *redis)
{
    (void)redis;
}

struct span redis_trouble(const struct redis *redis)
{
    (void)redis;
    return SPAN("this build has no Redis");
}
