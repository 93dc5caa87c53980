#include "shared/limit/bucket.h"

#include "shared/base/check.h"

#define NS_OF_MS    1000000ULL
#define COUNT_BITS  40
#define COUNT_MAX   ((1ULL << COUNT_BITS) - 1)
#define WINDOW_MASK ((1ULL << (64 - COUNT_BITS)) - 1)
#define PART_BITS   16 /* of a window, in which the last one's part is measured */

__extension__ typedef unsigned __int128 wide;

static uint64_t narrow(wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* Rounded up. */
static uint64_t ms_of(uint64_t time_ns)
{
    return time_ns / NS_OF_MS + (time_ns % NS_OF_MS != 0);
}

static uint64_t load(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static bool swap(_Atomic uint64_t *word, uint64_t *before, uint64_t after)
{
    return atomic_compare_exchange_weak_explicit(word, before, after, memory_order_relaxed,
                                                 memory_order_relaxed);
}

static void add(_Atomic uint64_t *word, uint64_t count)
{
    (void)atomic_fetch_add_explicit(word, count, memory_order_relaxed);
}

/* Not below 0: what is given back twice, or to a bucket that began anew, is no credit. */
static void subtract(_Atomic uint64_t *word, uint64_t count)
{
    uint64_t before = load(word);

    while (!swap(word, &before, before > count ? before - count : 0)) {
    }
}

static uint64_t share(const struct rate *rate, uint64_t amount)
{
    uint64_t part = amount / rate->sharers;

    return part > 0 || amount == 0 ? part : 1;
}

/* ---- token bucket ------------------------------------------------------------------------ */

/* The time in which COUNT comes, rounded up. */
static uint64_t time_of(const struct rate *rate, uint64_t count)
{
    uint64_t amount = share(rate, rate->amount), time;

    if (!__builtin_mul_overflow(count, rate->window_ms * NS_OF_MS, &time))
        return time / amount + (time % amount != 0);
    return narrow(((wide)count * rate->window_ms * NS_OF_MS + amount - 1) / amount);
}

static uint64_t count_of(const struct rate *rate, uint64_t time_ns)
{
    return narrow((wide)time_ns * share(rate, rate->amount) / (rate->window_ms * NS_OF_MS));
}

static uint64_t later(uint64_t time, uint64_t more)
{
    uint64_t sum;

    return __builtin_add_overflow(time, more, &sum) ? UINT64_MAX : sum;
}

static void token_level(const struct rate *rate, uint64_t full_ns, uint64_t now_ns,
                        struct level *ret)
{
    uint64_t burst_ns = time_of(rate, share(rate, rate->burst));
    uint64_t missing_ns = full_ns > now_ns ? full_ns - now_ns : 0;

    ret->limit = share(rate, rate->burst);
    ret->remaining = missing_ns < burst_ns ? count_of(rate, burst_ns - missing_ns) : 0;
    ret->reset_ms = ms_of(missing_ns);
}

static bool token_take(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                       uint64_t count, struct level *ret)
{
    uint64_t burst_ns = time_of(rate, share(rate, rate->burst)), cost_ns = time_of(rate, count);
    uint64_t before = load(&bucket->level[0]), full_ns;

    do {
        full_ns = later(before > now_ns ? before : now_ns, cost_ns);
        if (full_ns - now_ns > burst_ns) {
            token_level(rate, before, now_ns, ret);
            ret->retry_ms =
                cost_ns > burst_ns ? UINT64_MAX : ms_of(full_ns - now_ns - burst_ns);
            return false;
        }
    } while (!swap(&bucket->level[0], &before, full_ns));
    token_level(rate, full_ns, now_ns, ret);
    return true;
}

static void token_add(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                      uint64_t count)
{
    uint64_t before = load(&bucket->level[0]), cost_ns = time_of(rate, count);

    while (
        !swap(&bucket->level[0], &before, later(before > now_ns ? before : now_ns, cost_ns))) {
    }
}

/* ---- sliding window ---------------------------------------------------------------------- */

struct window {
    uint64_t number;  /* of the one that runs */
    uint64_t part;    /* of the one before that still counts, in 1 << PART_BITS */
    uint64_t left_ns; /* of the one that runs */
};

static struct window window_at(const struct rate *rate, uint64_t now_ns)
{
    uint64_t window_ns = rate->window_ms * NS_OF_MS, passed_ns = now_ns % window_ns;

    return (struct window){
        .number = now_ns / window_ns,
        .part = (1ULL << PART_BITS) - narrow(((wide)passed_ns << PART_BITS) / window_ns),
        .left_ns = window_ns - passed_ns,
    };
}

static uint64_t counted(uint64_t word, uint64_t number)
{
    return word >> COUNT_BITS == (number & WINDOW_MASK) ? word & COUNT_MAX : 0;
}

static uint64_t word_of(uint64_t number, uint64_t count)
{
    return (number & WINDOW_MASK) << COUNT_BITS | (count < COUNT_MAX ? count : COUNT_MAX);
}

/* What of the window before still counts, rounded up. */
static uint64_t carried(struct bucket *bucket, const struct window *window)
{
    uint64_t before =
        counted(load(&bucket->level[(window->number + 1) % 2]), window->number - 1);

    return (before * window->part + (1ULL << PART_BITS) - 1) >> PART_BITS;
}

static void window_level(const struct rate *rate, const struct window *window, uint64_t used,
                         struct level *ret)
{
    ret->limit = share(rate, rate->amount);
    ret->remaining = used < ret->limit ? ret->limit - used : 0;
    ret->reset_ms = used > 0 ? ms_of(window->left_ns) + rate->window_ms : 0;
}

/* When COUNT fits beside CURRENT: when enough of the window before has left, or in the next
 * one, when enough of this has. */
static uint64_t window_retry_ms(const struct rate *rate, const struct window *window,
                                uint64_t current, uint64_t before, uint64_t count)
{
    uint64_t most = share(rate, rate->amount), room, part, until_ns;
    uint64_t window_ns = rate->window_ms * NS_OF_MS;

    if (count > most)
        return UINT64_MAX;
    room = most - count;
    if (current <= room && before > 0) {
        part = ((room - current) << PART_BITS) / before;
        until_ns = window->left_ns - narrow((wide)window_ns * part >> PART_BITS);
    } else {
        part = current > 0 ? (room << PART_BITS) / current : 1ULL << PART_BITS;
        until_ns = window->left_ns + window_ns - narrow((wide)window_ns * part >> PART_BITS);
    }
    return until_ns < window->left_ns + window_ns ? until_ns / NS_OF_MS + 1 : rate->window_ms;
}

static bool window_take(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                        uint64_t count, struct level *ret)
{
    struct window window = window_at(rate, now_ns);
    _Atomic uint64_t *word = &bucket->level[window.number % 2];
    uint64_t before = load(word), current, used;

    do {
        current = counted(before, window.number);
        used = current + carried(bucket, &window);
        window_level(rate, &window, used, ret);
        if (count > ret->remaining) {
            uint64_t last =
                counted(load(&bucket->level[(window.number + 1) % 2]), window.number - 1);

            ret->retry_ms = window_retry_ms(rate, &window, current, last, count);
            return false;
        }
    } while (!swap(word, &before, word_of(window.number, current + count)));
    window_level(rate, &window, used + count, ret);
    return true;
}

static void window_add(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                       uint64_t count)
{
    uint64_t number = window_at(rate, now_ns).number;
    _Atomic uint64_t *word = &bucket->level[number % 2];
    uint64_t before = load(word);

    count = count < COUNT_MAX ? count : COUNT_MAX;
    while (!swap(word, &before, word_of(number, counted(before, number) + count))) {
    }
}

/* From the window in which it was taken, while that still counts. */
static void window_give_back(struct bucket *bucket, const struct rate *rate, uint64_t taken_ns,
                             uint64_t count)
{
    uint64_t number = window_at(rate, taken_ns).number;
    _Atomic uint64_t *word = &bucket->level[number % 2];
    uint64_t before = load(word), there;

    do {
        there = counted(before, number);
        if (there == 0)
            return;
    } while (!swap(word, &before, word_of(number, there > count ? there - count : 0)));
}

/* ---- rates ------------------------------------------------------------------------------- */

/* While grants are in force they decide, and the host's own counter only follows. */
static enum take granted_take(struct bucket *bucket, uint64_t count)
{
    uint64_t before = load(&bucket->total), granted;

    do {
        granted = load(&bucket->granted);
        if (granted != UINT64_MAX && (before > granted || granted - before < count)) {
            add(&bucket->wanted, count);
            return TAKE_AWAITS;
        }
    } while (!swap(&bucket->total, &before, before + count));
    return TAKE_DONE;
}

/* The host's own counter, whoever decides. */
static void follow(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                   uint64_t count)
{
    if (rate->algorithm == LIMIT_ALGORITHM_token_bucket)
        token_add(bucket, rate, now_ns, count);
    else
        window_add(bucket, rate, now_ns, count);
}

/* When a grant that was refused may be there: what comes back while nothing is taken. */
static uint64_t grant_retry_ms(const struct rate *rate, uint64_t count)
{
    struct rate alone = *rate;
    uint64_t time_ms;

    alone.sharers = 1;
    time_ms = ms_of(time_of(&alone, count));
    return time_ms < rate->window_ms ? time_ms : rate->window_ms;
}

static bool nothing_goes(const struct rate *rate, struct level *ret)
{
    *ret = (struct level){.limit = rate->amount, .retry_ms = UINT64_MAX};
    return rate->amount == 0;
}

enum take rate_take(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                    uint64_t count, struct level *ret)
{
    if (nothing_goes(rate, ret))
        return TAKE_FULL;
    if (load(&bucket->granted) != UINT64_MAX) {
        enum take take = granted_take(bucket, count);

        if (take == TAKE_DONE)
            follow(bucket, rate, now_ns, count);
        rate_level(bucket, rate, now_ns, ret);
        ret->retry_ms = take == TAKE_DONE ? 0 : grant_retry_ms(rate, count);
        return take;
    }
    if (rate->algorithm == LIMIT_ALGORITHM_token_bucket
            ? !token_take(bucket, rate, now_ns, count, ret)
            : !window_take(bucket, rate, now_ns, count, ret))
        return TAKE_FULL;
    add(&bucket->total, count);
    return TAKE_DONE;
}

void rate_add(struct bucket *bucket, const struct rate *rate, uint64_t now_ns, uint64_t count)
{
    if (rate->amount == 0)
        return;
    add(&bucket->total, count);
    follow(bucket, rate, now_ns, count);
}

void rate_give_back(struct bucket *bucket, const struct rate *rate, uint64_t taken_ns,
                    uint64_t count)
{
    if (rate->amount == 0 || count == 0)
        return;
    subtract(&bucket->total, count);
    if (rate->algorithm == LIMIT_ALGORITHM_token_bucket)
        subtract(&bucket->level[0], time_of(rate, count));
    else
        window_give_back(bucket, rate, taken_ns, count);
}

void rate_level(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                struct level *ret)
{
    struct window window;
    uint64_t current;

    if (nothing_goes(rate, ret))
        return;
    ret->retry_ms = 0;
    if (rate->algorithm == LIMIT_ALGORITHM_token_bucket) {
        token_level(rate, load(&bucket->level[0]), now_ns, ret);
        return;
    }
    window = window_at(rate, now_ns);
    current = counted(load(&bucket->level[window.number % 2]), window.number);
    window_level(rate, &window, current + carried(bucket, &window), ret);
}

/* ---- places and money -------------------------------------------------------------------- */

bool place_take(struct bucket *bucket, uint64_t most)
{
    uint64_t before = load(&bucket->level[0]);

    do {
        if (before >= most)
            return false;
    } while (!swap(&bucket->level[0], &before, before + 1));
    add(&bucket->total, 1);
    return true;
}

void place_add(struct bucket *bucket)
{
    add(&bucket->level[0], 1);
    add(&bucket->total, 1);
}

void place_give_back(struct bucket *bucket)
{
    subtract(&bucket->level[0], 1);
}

/* A lease may have been lowered since it was looked at: whoever lowers it looks at the level
 * afterwards, so that one of the two sees the other. */
static bool still_granted(struct bucket *bucket, uint64_t level, uint64_t nano)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (level <= load(&bucket->granted))
        return true;
    subtract(&bucket->level[0], nano);
    return false;
}

enum take money_reserve(struct bucket *bucket, uint64_t amount, uint64_t nano)
{
    uint64_t before = load(&bucket->level[0]), granted = load(&bucket->granted), most;

    CHECK(amount <= INT64_MAX && nano <= INT64_MAX);
    do {
        if (amount == 0 || before > amount || amount - before < nano)
            return TAKE_FULL;
        most = granted < amount ? granted : amount;
        if (before > most || most - before < nano) {
            add(&bucket->wanted, nano);
            return TAKE_AWAITS;
        }
    } while (!swap(&bucket->level[0], &before, before + nano));
    if (granted == UINT64_MAX || still_granted(bucket, before + nano, nano))
        return TAKE_DONE;
    add(&bucket->wanted, nano);
    return TAKE_AWAITS;
}

void money_add(struct bucket *bucket, uint64_t nano)
{
    add(&bucket->level[0], nano);
}

uint64_t money_spend(struct bucket *bucket, uint64_t amount, uint64_t spent)
{
    uint64_t before = atomic_fetch_add_explicit(&bucket->total, spent, memory_order_relaxed);
    uint64_t after = before + spent;

    if (after <= amount)
        return 0;
    return before > amount ? spent : after - amount;
}

void money_release(struct bucket *bucket, uint64_t reserved, uint64_t spent)
{
    if (spent > reserved)
        add(&bucket->level[0], spent - reserved);
    else
        subtract(&bucket->level[0], reserved - spent);
}
