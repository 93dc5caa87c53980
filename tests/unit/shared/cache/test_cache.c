#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/cache/cache.h"
#include "shared/cache/cache_inside.h"

#define MEBIBYTE  1048576ULL
#define NOW_MS    1000000
#define BODY_MOST 3000

static struct cache *cache;
static int cache_fd;

static void open_cache(uint64_t bytes, uint32_t entries)
{
    cache_fd = cache_create(bytes, entries);
    ck_assert_int_ge(cache_fd, 0);
    cache = cache_attach(cache_fd);
    ck_assert_ptr_nonnull(cache);
}

static void before(void)
{
    open_cache(4 * MEBIBYTE, 4096);
}

static void after(void)
{
    cache_detach(cache);
    (void)close(cache_fd);
}

static void key_of(uint64_t number, uint8_t ret[CACHE_KEY_BYTES])
{
    hash_sha256(span_of((const char *)&number, sizeof(number)), ret);
}

/* A body that tells which key and which turn it was made for, in each of its bytes. */
static struct span body_of(uint64_t number, uint64_t turn, char space[BODY_MOST])
{
    uint64_t word = number * 0x9e3779b97f4a7c15ULL + turn * 0xbf58476d1ce4e5b9ULL;
    size_t len = 16 + word % (BODY_MOST - 32);

    memcpy(space, &number, 8);
    memcpy(space + 8, &turn, 8);
    for (size_t i = 16; i < len; i++)
        space[i] = (char)(word >> i % 8 * 8 ^ i);
    return span_of(space, len);
}

static bool body_is_of(uint64_t number, struct span body)
{
    char space[BODY_MOST];
    uint64_t turn;

    if (body.len < 16)
        return false;
    memcpy(&turn, body.ptr + 8, 8);
    return span_eq(body_of(number, turn, space), body);
}

static bool put(uint64_t number, uint64_t turn)
{
    char space[BODY_MOST];
    uint8_t key[CACHE_KEY_BYTES];
    bool evicted;
    struct cache_entry entry;

    key_of(number, key);
    entry = (struct cache_entry){
        .stored_ms = NOW_MS,
        .expires_ms = NOW_MS + 1000,
        .cost_nano = number,
        .stamp_count = 3,
        .stamps = {cache_stamp(cache, CACHE_ALL, SPAN_NONE),
                   cache_stamp(cache, CACHE_OF_MODEL, number % 2 ? SPAN("odd") : SPAN("even")),
                   cache_stamp(cache, CACHE_OF_KEY, span_of((const char *)key, sizeof(key)))},
        .parts = {[CACHE_PROVIDER] = SPAN("provider"), [CACHE_TYPE] = SPAN("text/plain")},
    };

    entry.parts[CACHE_BODY] = body_of(number, turn, space);
    return cache_put(cache, key, &entry, &evicted);
}

/* Also for processes that are killed: none of the test's words with its parent. */
static enum cache_found look(uint64_t number, int64_t now_ms, bool *ret_right)
{
    struct buffer copy _buffer_;
    struct cache_entry entry;
    uint8_t key[CACHE_KEY_BYTES];
    enum cache_found found;

    buffer_init(&copy, MEBIBYTE);
    key_of(number, key);
    found = cache_get(cache, key, now_ms, &copy, &entry);
    *ret_right = found != CACHE_HIT ||
                 (body_is_of(number, entry.parts[CACHE_BODY]) && entry.cost_nano == number &&
                  span_eq(entry.parts[CACHE_PROVIDER], SPAN("provider")) &&
                  entry.parts[CACHE_MODEL].len == 0 &&
                  span_eq(entry.parts[CACHE_TYPE], SPAN("text/plain")));
    return found;
}

static enum cache_found get_at(uint64_t number, int64_t now_ms)
{
    bool right;
    enum cache_found found = look(number, now_ms, &right);

    ck_assert_msg(right, "the answer of %llu is another's", (unsigned long long)number);
    return found;
}

static enum cache_found get(uint64_t number)
{
    return get_at(number, NOW_MS);
}

START_TEST(what_was_put_is_got_by_every_process_with_the_memory)
{
    struct cache *first = cache;

    ck_assert_int_eq(get(7), CACHE_MISS);
    ck_assert(put(7, 1));
    ck_assert_int_eq(get(7), CACHE_HIT);
    ck_assert_int_eq(get(8), CACHE_MISS);
    cache = cache_attach(cache_fd);
    ck_assert_int_eq(get(7), CACHE_HIT);
    cache_detach(cache);
    cache = first;
}

END_TEST

START_TEST(the_newest_answer_of_a_key_stands_and_takes_no_second_word)
{
    for (uint64_t turn = 0; turn < 20; turn++)
        ck_assert(put(7, turn));
    ck_assert_int_eq(get(7), CACHE_HIT);
    ck_assert_uint_eq(cache_figures(cache).entries, 1);
}

END_TEST

START_TEST(an_entry_lives_until_its_end_and_not_before_its_beginning)
{
    ck_assert(put(7, 1));
    ck_assert_int_eq(get_at(7, NOW_MS + 999), CACHE_HIT);
    ck_assert_int_eq(get_at(7, NOW_MS + 1000), CACHE_MISS);
    ck_assert(put(7, 1));
    ck_assert_int_eq(get_at(7, NOW_MS - 1), CACHE_MISS); /* the clock was put back */
}

END_TEST

START_TEST(a_group_is_cleared_and_no_other)
{
    ck_assert(put(1, 1) && put(2, 1));
    cache_clear(cache, CACHE_OF_MODEL, SPAN("odd"), NOW_MS);
    ck_assert_int_eq(get(1), CACHE_MISS);
    ck_assert_int_eq(get(2), CACHE_HIT);
    cache_clear(cache, CACHE_OF_TENANT, SPAN("even"),
                NOW_MS); /* another kind of the same name */
    ck_assert_int_eq(get(2), CACHE_HIT);
    cache_clear(cache, CACHE_ALL, SPAN_NONE, NOW_MS);
    ck_assert_int_eq(get(2), CACHE_MISS);
    ck_assert(put(1, 1));
    ck_assert_int_eq(get(1), CACHE_HIT);
}

END_TEST

START_TEST(one_key_is_forgotten)
{
    uint8_t key[CACHE_KEY_BYTES];

    ck_assert(put(1, 1) && put(2, 1));
    key_of(1, key);
    cache_clear(cache, CACHE_OF_KEY, span_of((const char *)key, sizeof(key)), NOW_MS);
    ck_assert_int_eq(get(1), CACHE_MISS);
    ck_assert_int_eq(get(2), CACHE_HIT);
}

END_TEST

/* What another host has cleared, and what it had cleared before that. */
START_TEST(marks_of_other_hosts_count_when_they_are_later)
{
    struct cache_stamp stamp = cache_stamp(cache, CACHE_OF_MODEL, SPAN("odd"));

    ck_assert(put(1, 1) && put(2, 1));
    cache_mark_raise(cache, stamp.word, 5000);
    ck_assert_uint_eq(cache_mark(cache, stamp.word), 5000);
    ck_assert_int_eq(get(1), CACHE_MISS);
    ck_assert_int_eq(get(2), CACHE_HIT);
    ck_assert(put(1, 1));
    cache_mark_raise(cache, stamp.word, 4000);
    ck_assert_int_eq(get(1), CACHE_HIT);
    cache_clear(cache, CACHE_OF_MODEL, SPAN("odd"), 1); /* by a clock that is behind */
    ck_assert_int_eq(get(1), CACHE_MISS);
    ck_assert_uint_eq(cache_mark(cache, stamp.word), 5001);
}

END_TEST

START_TEST(marks_are_known_for_a_while)
{
    ck_assert(!cache_marks_known(cache, 10, 1000));
    cache_marks_heard(cache, 5000);
    ck_assert(cache_marks_known(cache, 6000, 1000));
    ck_assert(
        cache_marks_known(cache, 4990, 1000)); /* by another process's clock of the turn */
    ck_assert(!cache_marks_known(cache, 6001, 1000));
}

END_TEST

START_TEST(what_is_asked_for_outlives_what_is_not)
{
    ck_assert(put(1, 1) && put(2, 1));
    for (uint64_t i = 100; i < 20000; i++) {
        ck_assert(put(i, 1));
        if (i % 50 == 0)
            ck_assert_int_eq(get(1), CACHE_HIT);
    }
    ck_assert_int_eq(get(2), CACHE_MISS);
    ck_assert_int_eq(get(19999), CACHE_HIT);
}

END_TEST

START_TEST(an_entry_too_large_is_refused)
{
    size_t len = (size_t)MEBIBYTE;
    char *large = calloc(1, len);
    uint8_t key[CACHE_KEY_BYTES];
    bool evicted;
    struct cache_entry entry = {.stored_ms = NOW_MS, .expires_ms = NOW_MS + 1};

    entry.parts[CACHE_BODY] = span_of(large, len);
    key_of(1, key);
    ck_assert(!cache_put(cache, key, &entry, &evicted));
    free(large);
}

END_TEST

START_TEST(a_million_entries_fit_into_bounded_memory)
{
    const uint64_t count = 1000000;
    uint64_t hits = 0;
    uint8_t key[CACHE_KEY_BYTES];
    bool evicted;
    struct cache_entry entry = {.stored_ms = NOW_MS, .expires_ms = NOW_MS + 1000};
    struct buffer copy _buffer_;

    buffer_init(&copy, 4096);
    after();
    open_cache(256 * MEBIBYTE, (uint32_t)count);
    for (uint64_t i = 0; i < count; i++) {
        key_of(i, key);
        entry.parts[CACHE_BODY] = span_of((const char *)key, 32);
        ck_assert(cache_put(cache, key, &entry, &evicted));
    }
    ck_assert_uint_eq(cache_figures(cache).entries, count);
    for (uint64_t i = 0; i < count; i++) {
        struct cache_entry got;

        key_of(i, key);
        hits += cache_get(cache, key, NOW_MS, &copy, &got) == CACHE_HIT &&
                span_eq(got.parts[CACHE_BODY], span_of((const char *)key, 32));
    }
    ck_assert_uint_eq(hits, count);
    ck_assert_uint_le(cache_figures(cache).bytes, 256 * MEBIBYTE);
}

END_TEST

/* ---- death and damage -------------------------------------------------------------------- */

#define WRITERS 3
#define KEYS    400
#define KILLS   120

static _Atomic uint64_t *progress; /* shared by all processes: turns of each writer */

_Noreturn static void write_forever(unsigned writer)
{
    bool right;

    cache = cache_attach(cache_fd);
    for (uint64_t turn = 0;; turn++) {
        (void)put(random_u64() % KEYS, turn);
        (void)look(random_u64() % KEYS, NOW_MS, &right);
        if (!right)
            abort(); /* which the parent sees */
        atomic_fetch_add(&progress[writer], 1);
    }
}

static pid_t start_writer(unsigned writer)
{
    pid_t pid = fork();

    if (pid == 0)
        write_forever(writer);
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void await_turns(unsigned writer, uint64_t turns)
{
    uint64_t until = atomic_load(&progress[writer]) + turns;

    while (atomic_load(&progress[writer]) < until)
        (void)sched_yield();
}

static void kill_and_check(pid_t pid)
{
    int status;

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* not by a failed check */
}

START_TEST(writers_killed_at_random_leave_only_whole_answers)
{
    pid_t pids[WRITERS];
    unsigned hits = 0;

    after();
    open_cache(CACHE_BYTES_LEAST, 512); /* small: writers lap each other all the time */
    progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < WRITERS; i++)
        pids[i] = start_writer(i);
    for (unsigned kills = 0; kills < KILLS; kills++) {
        unsigned victim = kills % WRITERS;

        await_turns(victim, 1 + random_u64() % 300);
        kill_and_check(pids[victim]);
        pids[victim] = start_writer(victim);
        for (uint64_t i = 0; i < KEYS; i++)
            hits += get(i) == CACHE_HIT;
    }
    for (unsigned i = 0; i < WRITERS; i++)
        kill_and_check(pids[i]);
    ck_assert_uint_gt(hits, KILLS); /* it was of use all the time */
    ck_assert(put(5, 1));
    ck_assert_int_eq(get(5), CACHE_HIT);
    (void)munmap((void *)(uintptr_t)progress, 4096);
}

END_TEST

/* A writer that slept while the ring came round writes over what is newer. */
START_TEST(a_late_writer_spoils_an_entry_and_nobody_is_answered_with_it)
{
    uint64_t place;

    ck_assert(put(1, 1));
    place = cache_tail(cache) - 1;
    memset((void *)(uintptr_t)cache_at(cache, place), 0x5a, 20);
    ck_assert_int_eq(get(1), CACHE_CORRUPT);
    ck_assert_int_eq(get(1), CACHE_MISS); /* once is enough */
}

END_TEST

static void damage(uint64_t count)
{
    uint64_t bytes = cache_figures(cache).bytes;

    for (uint64_t i = 0; i < count; i++) {
        uint8_t *at = cache->mapping + 64 + random_u64() % (bytes - 64);

        switch (random_u64() % 3) {
        case 0: *at ^= (uint8_t)(1u << random_u64() % 8); break;
        case 1: *at = (uint8_t)random_u64(); break;
        case 2: {
            uint64_t page = (uint64_t)(at - cache->mapping) / CACHE_PAGE * CACHE_PAGE;

            if (page > 0)
                memset(cache->mapping + page, (int)random_u64(), CACHE_PAGE);
        }
        }
    }
}

START_TEST(damaged_memory_is_a_miss_and_never_a_wrong_answer)
{
    unsigned found[3] = {0};

    for (unsigned round = 0; round < 300; round++) {
        if (round % 20 == 0) { /* a head that was damaged may be of no use any more */
            after();
            before();
        }
        for (uint64_t i = 0; i < KEYS; i++)
            (void)put(i, round);
        damage(1 + random_u64() % 40);
        for (uint64_t i = 0; i < KEYS; i++)
            found[get(i)]++; /* which checks what it got */
    }
    ck_assert_uint_gt(found[CACHE_HIT], 1000);
    ck_assert_uint_gt(found[CACHE_CORRUPT], 100);
    ck_assert_uint_gt(found[CACHE_MISS], 0);
}

END_TEST

/* Two entries change places in the memory: both are whole, and neither is the other's. */
START_TEST(an_entry_moved_to_anothers_place_is_none)
{
    char space[BODY_MOST];
    uint64_t len = body_of(3, 9, space).len;
    uint64_t first, second;

    ck_assert(put(3, 9));
    first = cache_tail(cache);
    ck_assert(put(3, 9));
    second = first;
    first -= (sizeof(struct cache_row) + 16 + 18 + len + CACHE_UNIT - 1) / CACHE_UNIT;
    memcpy((void *)(uintptr_t)cache_at(cache, second), cache_at(cache, first), 128 + 34 + len);
    ck_assert_int_eq(get(3), CACHE_CORRUPT);
}

END_TEST

START_TEST(what_is_no_cache_of_ours_is_refused)
{
    struct cache_head head;
    int fd;

    ck_assert_int_eq(cache_create(1000, 10), -EINVAL);
    ck_assert_int_eq(cache_create(2 * MEBIBYTE, CACHE_ENTRIES_MOST), -EINVAL);
    ck_assert_int_eq(pread(cache_fd, &head, sizeof(head), 0), sizeof(head));
    head.slots *= 2;
    ck_assert_int_eq(pwrite(cache_fd, &head, sizeof(head), 0), sizeof(head));
    ck_assert_ptr_null(cache_attach(cache_fd));
    ck_assert_int_eq(errno, EPROTO);
    fd = memfd_create("empty", 0);
    ck_assert_ptr_null(cache_attach(fd));
    (void)close(fd);
    ck_assert_int_eq(ftruncate(cache_fd, 0), -1); /* sealed */
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *tests = tcase_create("cache");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, before, after);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_was_put_is_got_by_every_process_with_the_memory);
    tcase_add_test(tests, the_newest_answer_of_a_key_stands_and_takes_no_second_word);
    tcase_add_test(tests, an_entry_lives_until_its_end_and_not_before_its_beginning);
    tcase_add_test(tests, a_group_is_cleared_and_no_other);
    tcase_add_test(tests, one_key_is_forgotten);
    tcase_add_test(tests, marks_of_other_hosts_count_when_they_are_later);
    tcase_add_test(tests, marks_are_known_for_a_while);
    tcase_add_test(tests, what_is_asked_for_outlives_what_is_not);
    tcase_add_test(tests, an_entry_too_large_is_refused);
    tcase_add_test(tests, a_million_entries_fit_into_bounded_memory);
    tcase_add_test(tests, writers_killed_at_random_leave_only_whole_answers);
    tcase_add_test(tests, a_late_writer_spoils_an_entry_and_nobody_is_answered_with_it);
    tcase_add_test(tests, damaged_memory_is_a_miss_and_never_a_wrong_answer);
    tcase_add_test(tests, an_entry_moved_to_anothers_place_is_none);
    tcase_add_test(tests, what_is_no_cache_of_ours_is_refused);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
