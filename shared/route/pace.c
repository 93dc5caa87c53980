#include "shared/route/pace.h"

/* A window as one word: 24 bits of its number, 20 of requests, 20 of further attempts. */
#define COUNT_BITS 20
#define COUNT_MOST ((1ULL << COUNT_BITS) - 1)

struct window {
    uint64_t number, requests, retries;
};

static uint64_t number_at(uint64_t now_ms)
{
    return now_ms / PACE_WINDOW_MS & 0xffffff;
}

static struct window window_of(uint64_t word)
{
    return (struct window){word >> (2 * COUNT_BITS), word >> COUNT_BITS & COUNT_MOST,
                           word & COUNT_MOST};
}

static uint64_t word_of(struct window window)
{
    return window.number << (2 * COUNT_BITS) | window.requests << COUNT_BITS | window.retries;
}

void pace_note_first(struct target_pace *pace, uint64_t us, uint64_t now_ms)
{
    uint64_t known = pace_first_us(pace, now_ms);

    if (us < known)
        us = known - (known - us) / 4;
    atomic_store_explicit(&pace->first_us, us > 0 ? us : 1, memory_order_relaxed);
    atomic_store_explicit(&pace->first_ms, now_ms > 0 ? now_ms : 1, memory_order_relaxed);
}

/* The current window, empty when the last one is over. */
static struct window current(struct target_pace *pace, uint64_t word, uint64_t now_ms)
{
    struct window window = window_of(word);

    if (window.number == number_at(now_ms))
        return window;
    atomic_store_explicit(&pace->before, word, memory_order_relaxed);
    return (struct window){.number = number_at(now_ms)};
}

void pace_note_request(struct target_pace *pace, uint64_t now_ms)
{
    uint64_t word = atomic_load_explicit(&pace->window, memory_order_relaxed);
    struct window window;

    do {
        window = current(pace, word, now_ms);
        window.requests += window.requests < COUNT_MOST;
    } while (!atomic_compare_exchange_weak_explicit(
        &pace->window, &word, word_of(window), memory_order_relaxed, memory_order_relaxed));
}

/* Whether WINDOW has room for one more. */
static bool has_room(struct window window, uint32_t percent)
{
    uint64_t most = window.requests * percent / 100;

    if (percent > 0 && most < PACE_RETRY_LEAST)
        most = PACE_RETRY_LEAST;
    return window.retries < most && window.retries < COUNT_MOST;
}

bool pace_may_retry(const struct target_pace *pace, uint32_t percent, uint64_t now_ms)
{
    struct window window = window_of(atomic_load_explicit(&pace->window, memory_order_relaxed));

    if (window.number != number_at(now_ms))
        window = (struct window){.number = number_at(now_ms)};
    return has_room(window, percent);
}

bool pace_take_retry(struct target_pace *pace, uint32_t percent, uint64_t now_ms)
{
    uint64_t word = atomic_load_explicit(&pace->window, memory_order_relaxed);
    struct window window;

    do {
        window = current(pace, word, now_ms);
        if (!has_room(window, percent))
            return false;
        window.retries++;
    } while (!atomic_compare_exchange_weak_explicit(
        &pace->window, &word, word_of(window), memory_order_relaxed, memory_order_relaxed));
    return true;
}

uint64_t pace_recent(const struct target_pace *pace, uint64_t now_ms)
{
    struct window now = window_of(atomic_load_explicit(&pace->window, memory_order_relaxed));
    struct window before = window_of(atomic_load_explicit(&pace->before, memory_order_relaxed));
    uint64_t number = number_at(now_ms), rest = PACE_WINDOW_MS - now_ms % PACE_WINDOW_MS;

    if (now.number != number)
        return now.number + 1 == number ? now.requests * rest / PACE_WINDOW_MS : 0;
    if (before.number + 1 != number)
        return now.requests;
    return now.requests + before.requests * rest / PACE_WINDOW_MS;
}
