/* shared/http/http_inside.h
 *
 * What the parts of the HTTP reader say to each other. Private to shared/http.
 */
#ifndef SHARED_HTTP_HTTP_INSIDE_H
#define SHARED_HTTP_HTTP_INSIDE_H

#include "shared/http/http_reader.h"

enum http_state {
    HTTP_STATE_START, /* between messages, no byte seen */
    HTTP_STATE_HEAD,  /* some bytes of a head were seen */
    HTTP_STATE_LENGTH,
    HTTP_STATE_UNTIL_CLOSE,
    /* chunked, in the order of the bytes */
    HTTP_STATE_CHUNK_SIZE,
    HTTP_STATE_CHUNK_NAME, /* of an extension: at least one token byte is missing */
    HTTP_STATE_CHUNK_NAME_MORE,
    HTTP_STATE_CHUNK_VALUE,
    HTTP_STATE_CHUNK_VALUE_MORE,
    HTTP_STATE_CHUNK_QUOTED, /* inside a quoted value */
    HTTP_STATE_CHUNK_QUOTED_END,
    HTTP_STATE_CHUNK_SIZE_LF,
    HTTP_STATE_CHUNK_DATA,
    HTTP_STATE_CHUNK_DATA_CR,
    HTTP_STATE_CHUNK_DATA_LF,
    HTTP_STATE_TRAILER, /* at the start of a line */
    HTTP_STATE_TRAILER_NAME,
    HTTP_STATE_TRAILER_VALUE,
    HTTP_STATE_TRAILER_LF,
    HTTP_STATE_LAST_LF,
    HTTP_STATE_ENDED,    /* HTTP_DONE is to be given */
    HTTP_STATE_FINISHED, /* it was given */
    HTTP_STATE_FAILED,
};

#define HTTP_BYTE_TOKEN 1 /* RFC 9110 5.6.2 */
#define HTTP_BYTE_VALUE 2 /* in a field value: visible, space, tab, from 0x80 */
#define HTTP_BYTE_URI   4 /* in a request target */
#define HTTP_BYTE_HOST  8 /* in Host */

extern const unsigned char http_bytes[256];

static inline bool http_byte_is(char c, unsigned kinds)
{
    return (http_bytes[(unsigned char)c] & kinds) != 0;
}

/* The first byte from AT that may not stand in a field value, or END. */
const char *http_value_end(const char *at, const char *end);

enum http_result http_fail(struct http_reader *reader, const char *error);

/* Reads TEXT, a whole head with its empty line, into reader->head and the scratch.  HTTP_HEAD
 * or a failure. */
enum http_result http_read_head(struct http_reader *reader, struct span text);
/* What the fields say about the body and the connection; checks that they agree. HTTP_HEAD or a
 * failure. */
enum http_result http_read_fields(struct http_reader *reader);
/* One step in a chunked body. */
enum http_result http_next_chunked(struct http_reader *reader, struct span *rest,
                                   struct span *ret_body);

#endif
