#include "supervisor/share/marks.h"

#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/redis/breaker.h"
#include "shared/redis/link.h"

#define KEY         "{aigw:cache:1}:marks"
#define TURN_BYTES  40
#define PAIRS_BYTES (CACHE_WORDS * 24)
/* A mark of later than tomorrow is nobody's. */
#define AHEAD_US (24 * 3600 * 1000000ULL)

/* KEYS: marks. ARGV: turn that the asker has seen (empty: none), name for a new turn, marks of
 * the asker ("word mark word mark ..."). Answer: turn, all marks in the same form, whether they
 * are there (0: nothing is new). The turn stands beside the marks, so that it is lost with
 * them. */
static const char script[] =
    "local turn = redis.call('HGET', KEYS[1], 'turn') or ''\n"
    "local fresh = turn\n"
    "for w, m in string.gmatch(ARGV[3], '(%d+) (%d+)') do\n"
    "  if tonumber(m) > (tonumber(redis.call('HGET', KEYS[1], w) or '0') or 0) then\n"
    "    redis.call('HSET', KEYS[1], w, m)\n"
    "    fresh = ARGV[2]\n"
    "  end\n"
    "end\n"
    "if fresh ~= turn then redis.call('HSET', KEYS[1], 'turn', fresh) end\n"
    "if turn == ARGV[1] and turn ~= '' then return {fresh, '', '0'} end\n"
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "local t = {}\n"
    "for i = 1, #all, 2 do\n"
    "  if all[i] ~= 'turn' then t[#t + 1] = all[i] .. ' ' .. all[i + 1] end\n"
    "end\n"
    "return {fresh, table.concat(t, ' '), '1'}\n";
static const char *const scripts[] = {script};

struct marks {
    uv_timer_t timer;
    uv_loop_t *loop;
    struct cache *cache; /* NULL: there is none */
    struct redis *redis; /* NULL: answers are not shared */
    struct breaker breaker;
    struct buffer url;
    struct buffer news;           /* what Redis does not have, for the next question */
    uint64_t theirs[CACHE_WORDS]; /* as Redis told them last */
    char turn[TURN_BYTES];        /* of then */
    bool opened, asking, heard;
    bool dirty;   /* the memory has marks that may be new to Redis */
    bool hurried; /* in this tick */
    uint64_t opened_ms, asked_ms;
};

/* ---- questions --------------------------------------------------------------------------- */

static void ask(struct marks *marks)
{
    char turn[TURN_BYTES];
    int len = snprintf(turn, sizeof(turn), "%016llx", (unsigned long long)random_u64());
    const struct span values[] = {SPAN(KEY),
                                  marks->dirty ? SPAN("") : span_of_text(marks->turn),
                                  span_of(turn, (size_t)len), buffer_span(&marks->news)};

    marks->asking = true;
    marks->dirty = false;
    marks->asked_ms = clock_monotonic_ms();
    redis_ask(marks->redis, 0, 0, values, ARRAY_LEN(values), 1);
    buffer_clear(&marks->news);
}

/* Of what the memory has, whatever is later than what Redis has. */
static void gather_news(struct marks *marks)
{
    for (uint32_t word = 0; word < CACHE_WORDS; word++) {
        uint64_t mark = cache_mark(marks->cache, word);

        if (mark <= marks->theirs[word])
            continue;
        (void)buffer_append_u64(&marks->news, word);
        (void)buffer_append_byte(&marks->news, ' ');
        (void)buffer_append_u64(&marks->news, mark);
        (void)buffer_append_byte(&marks->news, ' ');
    }
}

static bool take_pair(struct marks *marks, struct span word_text, struct span mark_text)
{
    uint64_t word, mark, most = (uint64_t)clock_wall_ms() * 1000 + AHEAD_US;

    if (!span_read_u64(word_text, &word) || !span_read_u64(mark_text, &mark) ||
        word >= CACHE_WORDS || mark > most)
        return false;
    marks->theirs[word] = mark;
    cache_mark_raise(marks->cache, (uint32_t)word, mark);
    return true;
}

static bool take_all(struct marks *marks, struct span text)
{
    struct span word, mark;

    memset(marks->theirs, 0, sizeof(marks->theirs));
    if (text.len == 0)
        return true;
    while (span_cut(&text, ' ', &word))
        if (!span_cut(&text, ' ', &mark) || !take_pair(marks, word, mark))
            return false;
    return true;
}

static bool take(struct marks *marks, const struct span *values, unsigned count)
{
    if (count != 3 || values[0].len >= TURN_BYTES)
        return false;
    if (span_eq(values[2], SPAN("1"))) {
        if (!take_all(marks, values[1]))
            return false;
        gather_news(marks);
    }
    memcpy(marks->turn, values[0].ptr, values[0].len);
    marks->turn[values[0].len] = '\0';
    return true;
}

static void worked(struct marks *marks)
{
    if (breaker_worked(&marks->breaker))
        log_note(LOG_INFO, "Redis answers again: answers are shared with other hosts");
    marks->heard = true;
    cache_marks_heard(marks->cache, marks->asked_ms);
    if (marks->hurried || (!marks->dirty && marks->news.len == 0))
        return;
    marks->hurried = true;
    ask(marks);
}

/* What was not answered in order is for the next tick to find. */
static void answer_came(void *who, unsigned tag, const struct span *values, unsigned count)
{
    struct marks *marks = who;

    (void)tag;
    if (!marks->asking)
        return;
    marks->asking = false;
    if (marks->cache && take(marks, values, count))
        worked(marks);
    else
        marks->heard = false;
}

/* ---- time -------------------------------------------------------------------------------- */

static void failed(struct marks *marks, uint64_t now_ms)
{
    marks->asking = marks->opened = marks->heard = false;
    marks->dirty = true;
    buffer_clear(&marks->news);
    redis_drop(marks->redis);
    if (breaker_failed(&marks->breaker, now_ms))
        log_event(LOG_WARNING, "Redis does not answer: answers are not shared with other hosts",
                  LOG_TEXT_FIELD("why", redis_trouble(marks->redis)));
}

static bool overdue(const struct marks *marks, uint64_t now_ms)
{
    if (!marks->opened)
        return false;
    switch (redis_state(marks->redis)) {
    case REDIS_LINK_CLOSED: return true;
    case REDIS_LINK_OPENING: return now_ms - marks->opened_ms > MARKS_OPEN_MS;
    case REDIS_LINK_OPEN:
        return marks->asked_ms >= marks->opened_ms &&
               (marks->asking ? now_ms - marks->asked_ms > MARKS_ANSWER_MS : !marks->heard);
    }
    return true;
}

static void ticked(uv_timer_t *timer)
{
    struct marks *marks = timer->data;
    uint64_t now_ms = clock_monotonic_ms();

    if (!marks->redis || !marks->cache)
        return;
    marks->hurried = false;
    if (overdue(marks, now_ms))
        failed(marks, now_ms);
    if (!marks->opened && breaker_may_ask(&marks->breaker, now_ms)) {
        marks->opened = true;
        marks->opened_ms = now_ms;
        redis_open(marks->redis, buffer_span(&marks->url));
    }
    if (redis_state(marks->redis) == REDIS_LINK_OPEN && !marks->asking)
        ask(marks);
}

/* ---- life -------------------------------------------------------------------------------- */

struct marks *marks_new(uv_loop_t *loop)
{
    struct marks *marks = MEMORY_NEW(struct marks);

    marks->loop = loop;
    marks->timer.data = marks;
    buffer_init(&marks->url, 4096);
    buffer_init(&marks->news, PAIRS_BYTES);
    CHECK(uv_timer_init(loop, &marks->timer) == 0);
    return marks;
}

static void leave(struct marks *marks)
{
    marks->asking = marks->opened = marks->heard = false;
    (void)uv_timer_stop(&marks->timer);
    if (marks->redis)
        redis_free(marks->redis);
    marks->redis = NULL;
    if (marks->url.len > 0)
        memory_wipe(marks->url.ptr, marks->url.len);
    buffer_clear(&marks->url);
}

void marks_free(struct marks *marks)
{
    leave(marks);
    buffer_done(&marks->url);
    buffer_done(&marks->news);
    memory_free(marks);
}

void marks_follow(struct marks *marks, struct span url)
{
    const struct redis_user user = {
        .answer = answer_came, .who = marks, .scripts = scripts, .script_count = 1};

    if (span_eq(url, buffer_span(&marks->url)))
        return;
    leave(marks);
    if (url.len == 0 || !redis_there() || !buffer_append(&marks->url, url))
        return;
    marks->dirty = true;
    marks->breaker = (struct breaker){0};
    marks->redis = redis_new(marks->loop, &user);
    CHECK(uv_timer_start(&marks->timer, ticked, 0, MARKS_TICK_MS) == 0);
}

void marks_watch(struct marks *marks, struct cache *cache)
{
    marks->cache = cache;
    marks->dirty = true;
}

void marks_changed(struct marks *marks)
{
    marks->dirty = true;
    if (marks->redis && marks->cache && !marks->asking &&
        redis_state(marks->redis) == REDIS_LINK_OPEN)
        ask(marks);
}

struct span marks_state(const struct marks *marks)
{
    if (!marks->redis || !marks->cache)
        return SPAN("off");
    return marks->heard ? SPAN("answers") : SPAN("away");
}

struct span marks_trouble(const struct marks *marks)
{
    return marks->redis && !marks->heard ? redis_trouble(marks->redis) : SPAN_NONE;
}
