/* shared/base/encode.h
 *
 * Small text encodings: hex, base62 for keys and ids, base64 (RFC 4648) for settings and
 * bodies, percent for URLs.
 */
#ifndef SHARED_BASE_ENCODE_H
#define SHARED_BASE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

/* 2 * COUNT lower-case digits into TEXT. */
void encode_hex(const void *bytes, size_t count, char *ret_text);
/* Value of one hex digit, either case, or -1. */
int hex_digit(char c);
bool decode_hex(struct span text, uint8_t *ret_bytes, size_t count);

/* COUNT uniformly random base62 digits (0-9A-Za-z), from random_bytes without bias. */
void random_base62(char *ret_text, size_t count);
/* NUMBER in exactly DIGITS base62 digits, most significant first. */
void encode_base62(uint64_t number, char *ret_text, size_t digits);
bool decode_base62(struct span text, uint64_t *ret_number);

bool encode_base64(struct span bytes, struct buffer *out);
bool decode_base64(struct span text, struct buffer *out);

/* For paths, queries and forms (RFC 3986 2.1): everything but the unreserved is encoded, so
 * that no text changes what stands around it. */
bool encode_percent(struct span plain, struct buffer *out);

/* True when S is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool utf8_valid(struct span s);
/* Bytes of the well-formed UTF-8 sequence that S begins with (1 to 4), or 0 when there is none.
 */
unsigned utf8_length(struct span s);

#endif
