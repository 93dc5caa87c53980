/* shared/base/key_text.h
 *
 * The text of a gateway key: `sk-aigw-ID-SECRETCRC`, where ID is the public part (12 base62
 * digits, may be logged), SECRET is 43 base62 digits (256 bits), and CRC is the CRC-32 of
 * "ID-SECRET" as 6 base62 digits, so that a mistyped or cut key is told without a look-up.
 */
#ifndef SHARED_BASE_KEY_TEXT_H
#define SHARED_BASE_KEY_TEXT_H

#include <stdbool.h>

#include "shared/base/span.h"

#define KEY_TEXT_PREFIX      "sk-aigw-"
#define KEY_TEXT_ID_SIZE     12
#define KEY_TEXT_SECRET_SIZE 43
#define KEY_TEXT_CRC_SIZE    6
#define KEY_TEXT_SIZE        70 /* prefix, id, '-', secret, CRC */

/* False when TEXT is not a key or its CRC is wrong.  The spans point into TEXT. */
bool key_text_read(struct span text, struct span *ret_id, struct span *ret_secret);

/* A new random key, NUL-terminated. */
void key_text_make(char ret[KEY_TEXT_SIZE + 1]);

/* A new random secret for an id that exists (KEY_TEXT_ID_SIZE bytes), NUL-terminated. */
void key_text_make_for(struct span id, char ret[KEY_TEXT_SIZE + 1]);

#endif
