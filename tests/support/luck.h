/* tests/support/luck.h
 *
 * Chance that can be had again: numbers, words and JSON made of a seed. What is made lives in
 * the arena. ROUND_SEED in the environment begins another row of seeds, ROUND_CASES asks for
 * more of them.
 */
#ifndef TESTS_SUPPORT_LUCK_H
#define TESTS_SUPPORT_LUCK_H

#include "worker/translate/text.h"

struct luck {
    uint64_t state;
    struct arena *arena;
};

/* The first seed of a test, and how many cases it has when nobody asks for another number. */
uint64_t luck_first_seed(void);
uint64_t luck_cases(uint64_t usual);

uint64_t luck_next(struct luck *luck);
/* Below LIMIT, which is not 0. */
uint32_t luck_below(struct luck *luck, uint32_t limit);
/* True once in COUNT times. */
bool luck_once_in(struct luck *luck, uint32_t count);

/* A name: small letters, digits, '_'. */
struct text luck_name(struct luck *luck);
/* A name with a number that no other has. */
struct text luck_unique(struct luck *luck, const char *before, unsigned number);
/* A few words, never blank and without white space at the ends, as they stand in a JSON string:
 * with escapes, other scripts, surrogate pairs. */
struct text luck_words(struct luck *luck);
/* Digits of base64, a whole number of fours. */
struct text luck_base64(struct luck *luck);

/* Between LOW and HIGH, both included, in digits. */
struct json_value luck_integer(struct luck *luck, int64_t low, int64_t high);
/* Between 0 and 1, with the zeros that its writer liked. */
struct json_value luck_fraction(struct luck *luck);
struct json_value luck_string(struct luck *luck, struct text text);
/* An object of a few members of all kinds, without spaces. */
struct json_value luck_object(struct luck *luck);
/* The schema of a closed object: each property required, nothing else allowed. */
struct json_value luck_schema(struct luck *luck);

#endif
