#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/cache/cache_claims.h"
#include "shared/cache/cache_inside.h"

#define OWNERS  256
#define NOW_MS  5000000
#define LIFE_MS 30000

static struct cache *cache;
static int cache_fd;
static bool living[OWNERS]; /* by slot */

static void before(void)
{
    cache_fd = cache_create(4 << 20, 1024);
    ck_assert_int_ge(cache_fd, 0);
    cache = cache_attach(cache_fd);
    ck_assert_ptr_nonnull(cache);
    memset(living, true, sizeof(living));
}

static void after(void)
{
    cache_detach(cache);
    (void)close(cache_fd);
}

static bool lives(const void *who, uint32_t owner)
{
    ck_assert_ptr_eq(who, living);
    return living[CACHE_OWNER_SLOT(owner)];
}

static struct cache_claimer claimer(unsigned slot, uint64_t now_ms)
{
    return (struct cache_claimer){CACHE_OWNER(slot, 70000 + slot), now_ms, lives, living};
}

static void key_of(uint64_t number, uint8_t ret[CACHE_KEY_BYTES])
{
    hash_sha256(span_of((const char *)&number, sizeof(number)), ret);
}

static enum cache_claimed claim(unsigned slot, uint64_t number, uint64_t now_ms,
                                struct cache_claim *ret)
{
    struct cache_claimer by = claimer(slot, now_ms);
    uint8_t key[CACHE_KEY_BYTES];

    key_of(number, key);
    return cache_claim(cache, key, &by, LIFE_MS, ret);
}

static bool seen_by(unsigned slot, const struct cache_claim *what, uint64_t now_ms)
{
    struct cache_claimer by = claimer(slot, now_ms);

    return cache_claim_holds(what, &by);
}

/* What becomes of the claim of worker 1, and what worker 2 gets AFTER_MS later. */
static const struct row {
    const char *what;
    bool ends, dies;
    uint64_t start_ms, after_ms;
    enum cache_claimed got;
} rows[] = {
    {"at work", false, false, NOW_MS, 0, CLAIM_OTHERS},
    {"at work for long", false, false, NOW_MS, LIFE_MS - 1, CLAIM_OTHERS},
    {"at its last moment", false, false, NOW_MS, LIFE_MS, CLAIM_OTHERS},
    {"too long at work", false, false, NOW_MS, LIFE_MS + 48, CLAIM_MADE},
    {"forgotten for hours", false, false, NOW_MS, CACHE_CLAIM_MS_MOST + LIFE_MS, CLAIM_MADE},
    {"done", true, false, NOW_MS, 1, CLAIM_MADE},
    {"killed", false, true, NOW_MS, 0, CLAIM_MADE},
    {"killed after it was done", true, true, NOW_MS, 0, CLAIM_MADE},
    {"at work while the units begin anew", false, false, 16777216 - 10, 20, CLAIM_OTHERS},
    {"too long at work while they do", false, false, 16777216 - 10, LIFE_MS + 48, CLAIM_MADE},
};

START_TEST(a_claim_holds_until_it_is_given_back_over_or_its_owner_dead)
{
    const struct row *row = &rows[_i];
    uint64_t then_ms = row->start_ms + row->after_ms;
    struct cache_claim first, second;

    ck_assert_int_eq(claim(1, 7, row->start_ms, &first), CLAIM_MADE);
    ck_assert_int_eq(claim(2, 7, row->start_ms, &second), CLAIM_OTHERS);
    ck_assert(seen_by(2, &second, row->start_ms));
    if (row->ends)
        cache_claim_end(&first);
    living[1] = !row->dies;
    ck_assert_msg(seen_by(2, &second, then_ms) == (row->got == CLAIM_OTHERS), "%s", row->what);
    ck_assert_msg(claim(2, 7, then_ms, &second) == row->got, "%s", row->what);
}

END_TEST

START_TEST(who_comes_late_does_not_give_back_what_another_took)
{
    struct cache_claim first, second, third;

    ck_assert_int_eq(claim(1, 7, NOW_MS, &first), CLAIM_MADE);
    ck_assert_int_eq(claim(2, 7, NOW_MS + LIFE_MS + 48, &second), CLAIM_MADE);
    cache_claim_end(&first);
    ck_assert_ptr_null(first.word);
    cache_claim_end(&first); /* nothing */
    ck_assert_int_eq(claim(3, 7, NOW_MS + LIFE_MS + 48, &third), CLAIM_OTHERS);
    cache_claim_end(&second);
    ck_assert_int_eq(claim(3, 7, NOW_MS + LIFE_MS + 48, &third), CLAIM_MADE);
}

END_TEST

START_TEST(keys_of_one_word_are_told_apart)
{
    struct cache_claim claims[2];
    uint8_t one[CACHE_KEY_BYTES] = {0}, other[CACHE_KEY_BYTES] = {0};
    struct cache_claimer by = claimer(1, NOW_MS);

    other[CACHE_KEY_BYTES - 1] = 1;
    ck_assert_int_eq(cache_claim(cache, one, &by, LIFE_MS, &claims[0]), CLAIM_MADE);
    ck_assert_int_eq(cache_claim(cache, other, &by, LIFE_MS, &claims[1]), CLAIM_TAKEN);
}

END_TEST

/* Any word may stand there: somebody has the key in the end, at most an hour later. */
START_TEST(damaged_words_end)
{
    uint64_t state = 42;
    struct cache_claim got;

    for (unsigned turn = 0; turn < 1000; turn++) {
        for (unsigned i = 0; i < CACHE_CLAIMS; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            atomic_store(&cache->claims[i], state ^ state >> 29);
        }
        ck_assert(claim(2, turn, NOW_MS, &got) == CLAIM_MADE ||
                  claim(2, turn, NOW_MS + CACHE_CLAIM_MS_MOST + 64, &got) == CLAIM_MADE);
    }
}

END_TEST

/* ---- processes --------------------------------------------------------------------------- */

#define CHILDREN 4
#define TURNS    200

/* Claims, and is killed at any instruction. */
static void work(unsigned slot)
{
    struct cache_claim mine;

    for (uint64_t turn = 0;; turn++)
        if (claim(slot, turn % 3, NOW_MS, &mine) == CLAIM_MADE)
            cache_claim_end(&mine);
}

START_TEST(the_claims_of_the_killed_are_taken)
{
    struct cache_claim got;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0)
            work(1);
        (void)usleep(500 + turn * 7);
        (void)kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        living[1] = false;
        for (uint64_t number = 0; number < 3; number++) {
            ck_assert_int_eq(claim(2, number, NOW_MS, &got), CLAIM_MADE);
            cache_claim_end(&got);
        }
        living[1] = true;
    }
}

END_TEST

/* All begin at one time; each exits with 1 when it has the claim. */
START_TEST(of_many_at_one_time_one_claims)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned made = 0;
        int go[2], status;
        char byte;

        ck_assert_int_eq(pipe(go), 0);
        for (unsigned i = 0; i < CHILDREN; i++)
            if (fork() == 0) {
                struct cache_claim mine;

                (void)close(go[1]);
                (void)!read(go[0], &byte, 1);
                _exit(claim(i, turn, NOW_MS, &mine) == CLAIM_MADE);
            }
        (void)close(go[0]);
        (void)close(go[1]);
        for (unsigned i = 0; i < CHILDREN; i++) {
            ck_assert_int_gt(wait(&status), 0);
            ck_assert(WIFEXITED(status));
            made += (unsigned)WEXITSTATUS(status);
        }
        for (unsigned i = 0; i < CACHE_CLAIMS; i++) /* another turn's key may have this word */
            atomic_store(&cache->claims[i], 0);
        ck_assert_uint_eq(made, 1);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_claims");
    TCase *tests = tcase_create("cache_claims");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, before, after);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_claim_holds_until_it_is_given_back_over_or_its_owner_dead, 0,
                        ARRAY_LEN(rows));
    tcase_add_test(tests, who_comes_late_does_not_give_back_what_another_took);
    tcase_add_test(tests, keys_of_one_word_are_told_apart);
    tcase_add_test(tests, damaged_words_end);
    tcase_add_test(tests, the_claims_of_the_killed_are_taken);
    tcase_add_test(tests, of_many_at_one_time_one_claims);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
