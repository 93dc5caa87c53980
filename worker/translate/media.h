/* worker/translate/media.h
 *
 * Images, sounds and documents, as the dialects refer to them: by an address that may hold the
 * bytes themselves (a data URL, RFC 2397), or by a type and base64 data apart. Megabytes are
 * slices of the body; only what is spelled oddly (escaped, with white space, percent-encoded)
 * is copied, once. Nothing is fetched here (remote.h), and base64 is not checked: the
 * provider does.
 */
#ifndef WORKER_TRANSLATE_MEDIA_H
#define WORKER_TRANSLATE_MEDIA_H

#include "worker/translate/chat.h"

/* Fills form, type and data of RET from an address. A data URL gives MEDIA_DATA; http, https
 * and gs addresses give MEDIA_URL, with the type that their ending promises or none. False for
 * anything else, and for a data URL without a comma: RET is then untouched. */
bool media_read_address(struct text address, struct arena *arena, struct media *ret);
/* MEDIA_DATA with a type as a data URL, the other forms as the address or name that they hold.
 */
void media_write_address(struct json_writer *json, const struct media *media);

/* In lower case, without parameters, image/jpg and audio/mp3 under their right names. */
struct text media_type_clean(struct text type, struct arena *arena);
/* By the ending of a file's name or address; TEXT_NONE when it says nothing. */
struct text media_type_of_name(struct text name);
/* BLOCK_image, BLOCK_audio, or BLOCK_document for all others. */
enum block_kind media_block_kind(struct text type);
/* JPEG, PNG, GIF or WebP: the images that every provider takes. */
bool media_is_common_image(struct text type);
/* text/...: its data may be words as well. */
bool media_is_words(struct text type);

/* The formats of OpenAI's audio parts, "wav" and "mp3" and others: "audio/" and the word. */
struct text media_type_of_format(struct text format, struct arena *arena);
/* And back: "wav", "mp3", or what follows "audio/". */
struct text media_format_of_type(struct text type);

/* Base64 without white space; the same slice when there is none. */
struct text media_clean_base64(struct text data, struct arena *arena);
/* Words as base64, and base64 as words (TEXT_NONE when it is not base64). */
struct text media_encode_words(struct text words, struct arena *arena);
struct text media_decode_words(struct text base64, struct arena *arena);

#endif
