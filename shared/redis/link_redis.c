#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/redis/link.h"

#define PORT        "6379"
#define SHA_DIGITS  40
#define TROUBLE     200
#define NAME_BYTES  256
#define NUMBER_TEXT 24

struct redis {
    uv_loop_t *loop;
    struct redis_user owner;
    enum redis_state state;
    redisAsyncContext *context; /* NULL: none */
    uv_getaddrinfo_t resolve;
    bool resolving, dying;
    uint64_t port_number;
    char host[NAME_BYTES], port[8], user[NAME_BYTES], password[NAME_BYTES], number[12];
    char sha[REDIS_LINK_SCRIPTS_MAX][SHA_DIGITS + 1];
    unsigned loaded; /* scripts of which the answer is there */
    bool greeted;    /* the server has answered what came before them */
    char trouble[TROUBLE];
};

/* What a question's answer finds its way back with. */
struct asked {
    struct redis *redis;
    unsigned tag;
    bool command; /* not a script */
};

bool redis_there(void)
{
    return true;
}

struct redis *redis_new(uv_loop_t *loop, const struct redis_user *user)
{
    struct redis *redis = MEMORY_NEW(struct redis);

    CHECK(user->script_count <= REDIS_LINK_SCRIPTS_MAX);
    redis->loop = loop;
    redis->owner = *user;
    return redis;
}

enum redis_state redis_state(const struct redis *redis)
{
    return redis->state;
}

struct span redis_trouble(const struct redis *redis)
{
    return redis->trouble[0] ? span_of_text(redis->trouble) : SPAN_NONE;
}

static void set_trouble(struct redis *redis, const char *text)
{
    (void)snprintf(redis->trouble, sizeof(redis->trouble), "%.150s:%s: %.*s", redis->host,
                   redis->port, (int)strcspn(text, "\r\n"), text);
}

static void close_link(struct redis *redis)
{
    redisAsyncContext *context = redis->context;

    redis->context = NULL;
    redis->state = REDIS_LINK_CLOSED;
    if (redis->resolving)
        (void)uv_cancel((uv_req_t *)&redis->resolve);
    if (context)
        redisAsyncFree(context); /* answers that were awaited come from here, without a reply */
}

void redis_drop(struct redis *redis)
{
    if (redis->state != REDIS_LINK_CLOSED)
        set_trouble(redis, "it does not answer");
    close_link(redis);
}

void redis_free(struct redis *redis)
{
    close_link(redis);
    memory_wipe(redis->password, sizeof(redis->password));
    redis->dying = true;
    if (!redis->resolving)
        memory_free(redis);
}

static void fail(struct redis *redis, const char *text)
{
    set_trouble(redis, text);
    close_link(redis);
}

/* ---- the address ------------------------------------------------------------------------- */

static bool copy(char *to, size_t size, struct span text)
{
    if (text.len >= size)
        return false;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

static bool split_user(struct redis *redis, struct span *rest)
{
    size_t at = span_find(*rest, SPAN("@"));
    struct span whole, user;

    redis->user[0] = redis->password[0] = '\0';
    if (at == SIZE_MAX)
        return true;
    whole = span_of(rest->ptr, at);
    *rest = span_skip(*rest, at + 1);
    (void)span_cut(&whole, ':', &user);
    return copy(redis->user, sizeof(redis->user), user) &&
           copy(redis->password, sizeof(redis->password), whole);
}

static bool split_host(struct redis *redis, struct span rest)
{
    struct span place, host, port;

    (void)span_cut(&rest, '/', &place);
    if (!copy(redis->number, sizeof(redis->number), rest))
        return false;
    if (span_starts(place, SPAN("["))) {
        place = span_skip(place, 1);
        (void)span_cut(&place, ']', &host);
        port = span_starts(place, SPAN(":")) ? span_skip(place, 1) : SPAN_NONE;
    } else {
        (void)span_cut(&place, ':', &host);
        port = place;
    }
    port = port.len > 0 ? port : SPAN(PORT);
    return host.len > 0 && span_read_u64(port, &redis->port_number) &&
           redis->port_number <= UINT16_MAX && copy(redis->host, sizeof(redis->host), host) &&
           copy(redis->port, sizeof(redis->port), port);
}

/* ---- a connection ------------------------------------------------------------------------ */

static void came_open(struct redis *redis)
{
    if (!redis->greeted || redis->loaded < redis->owner.script_count)
        return;
    redis->state = REDIS_LINK_OPEN;
    redis->trouble[0] = '\0';
}

/* Of AUTH, SELECT: only a refusal matters. */
static void greeted(redisAsyncContext *context, void *answer, void *private_data)
{
    struct redis *redis = context->data;
    const redisReply *reply = answer;

    (void)private_data;
    if (redis->context == context && reply && reply->type == REDIS_REPLY_ERROR)
        fail(redis, reply->str);
}

/* Of PING, the last of the greeting. */
static void was_there(redisAsyncContext *context, void *answer, void *private_data)
{
    struct redis *redis = context->data;
    const redisReply *reply = answer;

    (void)private_data;
    if (redis->context != context || !reply)
        return;
    if (reply->type != REDIS_REPLY_STATUS) {
        fail(redis, reply->type == REDIS_REPLY_ERROR ? reply->str : "what is this?");
        return;
    }
    redis->greeted = true;
    came_open(redis);
}

static void was_loaded(redisAsyncContext *context, void *answer, void *private_data)
{
    struct redis *redis = context->data;
    const redisReply *reply = answer;
    char *sha = private_data;

    if (redis->context != context || !reply)
        return;
    if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_DIGITS) {
        fail(redis, reply->type == REDIS_REPLY_ERROR ? reply->str : "what is this?");
        return;
    }
    memcpy(sha, reply->str, SHA_DIGITS);
    redis->loaded++;
    came_open(redis);
}

static void load_scripts(struct redis *redis)
{
    redis->state = REDIS_LINK_OPENING;
    redis->loaded = 0;
    for (unsigned i = 0; i < redis->owner.script_count; i++)
        (void)redisAsyncCommand(redis->context, was_loaded, redis->sha[i], "SCRIPT LOAD %s",
                                redis->owner.scripts[i]);
}

static void greet(struct redis *redis)
{
    if (redis->password[0] && redis->user[0])
        (void)redisAsyncCommand(redis->context, greeted, NULL, "AUTH %s %s", redis->user,
                                redis->password);
    else if (redis->password[0])
        (void)redisAsyncCommand(redis->context, greeted, NULL, "AUTH %s", redis->password);
    if (redis->number[0])
        (void)redisAsyncCommand(redis->context, greeted, NULL, "SELECT %s", redis->number);
    redis->greeted = false;
    (void)redisAsyncCommand(redis->context, was_there, NULL, "PING");
    load_scripts(redis);
}

/* hiredis frees the context after it. */
static void connected(const redisAsyncContext *context, int status)
{
    struct redis *redis = context->data;

    if (status == REDIS_OK || redis->context != context)
        return;
    set_trouble(redis, context->errstr);
    redis->context = NULL;
    redis->state = REDIS_LINK_CLOSED;
}

static void disconnected(const redisAsyncContext *context, int status)
{
    struct redis *redis = context->data;

    if (redis->context != context)
        return;
    set_trouble(redis, status == REDIS_OK ? "closed" : context->errstr);
    redis->context = NULL;
    redis->state = REDIS_LINK_CLOSED;
}

static void connect_to(struct redis *redis, const char *address)
{
    redisAsyncContext *context = redisAsyncConnect(address, (int)redis->port_number);

    CHECK(context); /* no memory */
    context->data = redis;
    if (context->err) {
        set_trouble(redis, context->errstr);
        redisAsyncFree(context);
        redis->state = REDIS_LINK_CLOSED;
        return;
    }
    redis->context = context;
    CHECK(redisLibuvAttach(context, redis->loop) == REDIS_OK);
    (void)redisAsyncSetConnectCallback(context, connected);
    (void)redisAsyncSetDisconnectCallback(context, disconnected);
    greet(redis);
}

static void resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *list)
{
    struct redis *redis = resolve->data;
    char address[64] = "";

    redis->resolving = false;
    if (status == 0 && list->ai_family == AF_INET)
        (void)uv_ip4_name((const struct sockaddr_in *)(const void *)list->ai_addr, address,
                          sizeof(address));
    else if (status == 0 && list->ai_family == AF_INET6)
        (void)uv_ip6_name((const struct sockaddr_in6 *)(const void *)list->ai_addr, address,
                          sizeof(address));
    uv_freeaddrinfo(list);
    if (redis->dying) {
        memory_free(redis);
    } else if (redis->state == REDIS_LINK_OPENING && address[0]) {
        connect_to(redis, address);
    } else if (redis->state == REDIS_LINK_OPENING) {
        set_trouble(redis, status < 0 ? uv_strerror(status) : "no address");
        redis->state = REDIS_LINK_CLOSED;
    }
}

void redis_open(struct redis *redis, struct span url)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct span rest = span_skip(url, sizeof("redis://") - 1);
    int result;

    CHECK(redis->state == REDIS_LINK_CLOSED && !redis->context);
    if (redis->resolving) /* of an attempt that was given up */
        return;
    if (!split_user(redis, &rest) || !split_host(redis, rest)) {
        set_trouble(redis, "the address is not redis://HOST:PORT");
        return;
    }
    redis->state = REDIS_LINK_OPENING;
    redis->resolving = true;
    redis->resolve.data = redis;
    result = uv_getaddrinfo(redis->loop, &redis->resolve, resolved, redis->host, redis->port,
                            &hints);
    if (result < 0) {
        redis->resolving = false;
        fail(redis, uv_strerror(result));
    }
}

/* ---- questions --------------------------------------------------------------------------- */

/* Of a script. */
static unsigned texts_of(const redisReply *reply, struct span *values)
{
    unsigned count = 0;

    if (!reply || reply->type != REDIS_REPLY_ARRAY)
        return 0;
    for (size_t i = 0; i < reply->elements && count < REDIS_LINK_VALUES_MAX; i++)
        if (reply->element[i]->type == REDIS_REPLY_STRING)
            values[count++] = span_of(reply->element[i]->str, (size_t)reply->element[i]->len);
    return count;
}

/* Of a command. */
static unsigned text_of(const redisReply *reply, struct span *value)
{
    *value = SPAN_NONE;
    if (!reply)
        return 0;
    if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS)
        *value = span_of(reply->str, (size_t)reply->len);
    return reply->type == REDIS_REPLY_NIL || value->ptr != NULL;
}

static void note_error(struct redis *redis, const redisReply *reply)
{
    set_trouble(redis, reply->str);
    if (span_starts(span_of_text(reply->str), SPAN("NOSCRIPT")) &&
        redis->state == REDIS_LINK_OPEN)
        load_scripts(redis);
}

static void answered(redisAsyncContext *context, void *answer, void *private_data)
{
    const redisReply *reply = answer;
    struct asked *asked = private_data;
    struct redis *redis = asked->redis;
    struct span values[REDIS_LINK_VALUES_MAX];
    unsigned count = asked->command ? text_of(reply, values) : texts_of(reply, values);

    if (reply && reply->type == REDIS_REPLY_ERROR && redis->context == context)
        note_error(redis, reply);
    redis->owner.answer(redis->owner.who, asked->tag, values, count);
    memory_free(asked);
}

static void send_words(struct redis *redis, const struct asked *what, const struct span *words,
                       unsigned count)
{
    const char *texts[REDIS_LINK_ARGUMENTS_MAX];
    size_t sizes[REDIS_LINK_ARGUMENTS_MAX];
    struct asked *asked = MEMORY_NEW(struct asked);

    CHECK(redis->state == REDIS_LINK_OPEN && count <= REDIS_LINK_ARGUMENTS_MAX);
    *asked = *what;
    for (unsigned i = 0; i < count; i++) {
        texts[i] = words[i].len > 0 ? words[i].ptr : "";
        sizes[i] = words[i].len;
    }
    if (redisAsyncCommandArgv(redis->context, answered, asked, (int)count, texts, sizes) !=
        REDIS_OK) {
        memory_free(asked);
        redis->owner.answer(redis->owner.who, what->tag, NULL, 0);
    }
}

void redis_command(struct redis *redis, unsigned tag, const struct span *words, unsigned count)
{
    send_words(redis, &(struct asked){redis, tag, true}, words, count);
}

void redis_ask(struct redis *redis, unsigned tag, unsigned script, const struct span *values,
               unsigned count, unsigned key_count)
{
    struct span words[REDIS_LINK_ARGUMENTS_MAX] = {SPAN("EVALSHA"),
                                                   span_of(redis->sha[script], SHA_DIGITS)};
    char keys[NUMBER_TEXT];

    CHECK(script < redis->owner.script_count && count + 3 <= REDIS_LINK_ARGUMENTS_MAX);
    words[2] = span_of(keys, (size_t)snprintf(keys, sizeof(keys), "%u", key_count));
    memcpy(words + 3, values, count * sizeof(values[0]));
    send_words(redis, &(struct asked){redis, tag, false}, words, count + 3);
}
