/*
 * The little of HTTP/1.1 (RFC 9112) and JSON that the bench programs read: where a head ends, a
 * header's value, a chunked request body, a member of a body found by search.
 *
 * Pure functions over bytes of the caller; results point into them.  These peers are trusted:
 * this is no reader for hostile input.
 */
#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *ptr;
    size_t len;
};

/* Bytes up to and with the empty line, or 0 when it has not come yet. */
size_t wire_head_len(const char *ptr, size_t len);

/* The trimmed value of header `name` (lower case), or {NULL, 0}. */
struct text wire_header(struct text head, const char *name);

/* Does `value` contain `word` (lower case), in any case? */
bool wire_has(struct text value, const char *word);

bool wire_equal(struct text a, const char *b);

/* A decimal number at the front of `value`, or 0. */
uint64_t wire_number(struct text value);

/*
 * Length of a whole chunked body at the front of `in` (0 when not all of it is there, SIZE_MAX
 * when it is none), its bytes joined in place: *ret_body is what was carried.
 */
size_t wire_unchunk(char *in, size_t len, struct text *ret_body);

/* The value of the first member `name` (with its quotes) of a JSON text, to the end of it. */
struct text wire_member(struct text json, const char *quoted_name);

#endif
