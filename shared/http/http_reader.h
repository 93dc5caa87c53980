/* shared/http/http_reader.h
 *
 * Reads HTTP/1.1 messages (RFC 9112) from pieces of bytes, requests or answers, strictly.  The
 * one door to llhttp.  A head is collected until it is whole (limits first) and then read
 * twice, by our own reader, which lets nothing odd pass (bare CR or LF, obs-fold, NUL, repeated
 * or odd Content-Length, Content-Length with Transfer-Encoding, a coding other than chunked,
 * missing or repeated Host, ...), and by llhttp: only a head that both understand in the same
 * way is accepted.  Every span of a head is contiguous.  Bodies are given in place, as they
 * come; our reader of chunks takes CRLF, hexadecimal sizes, short token extensions and bounded
 * trailers (which are dropped), nothing else.
 *
 * Pull: call http_next until it says HTTP_MORE.  One reader per connection and direction; it
 * belongs to its connection.  The memory of a head lives until the next http_next call after
 * HTTP_HEAD that gets new input or until http_reader_next_message: users copy what they keep.
 */
#ifndef SHARED_HTTP_HTTP_READER_H
#define SHARED_HTTP_HTTP_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define HTTP_LENGTH_NONE UINT64_MAX
#define HTTP_HEADERS_MAX 256 /* hard limit; settings choose less */

enum http_method {
    HTTP_METHOD_OTHER,
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
};

struct http_header {
    struct span name, value; /* value trimmed */
};

struct http_head {
    enum http_method method_id; /* requests */
    struct span method, target; /* requests; target as sent (origin-form, absolute-form, "*") */
    uint16_t status;            /* answers */
    uint8_t minor;              /* HTTP/1.minor */
    bool keep_alive;            /* after this message the connection may be used again */
    bool chunked;
    bool upgrade;            /* asks for another protocol; we never switch */
    bool expect_continue;    /* Expect: 100-continue */
    bool expect_other;       /* another expectation */
    uint64_t content_length; /* HTTP_LENGTH_NONE when not given */
    bool has_body;           /* by the rules of RFC 9112 6.3 */
    const struct http_header *headers;
    unsigned header_count;
    uint32_t
        name_lengths; /* the bit http_length_bit of each name: which need not be looked for */
};

static inline uint32_t http_length_bit(struct span name)
{
    return 1U << name.len % 32;
}

struct http_limits {
    uint32_t head_bytes;   /* whole head */
    uint32_t target_bytes; /* request target */
    uint32_t header_count; /* <= HTTP_HEADERS_MAX */
};

/* Scratch for header lists, shared by all readers of a process (one head is looked at at a
 * time). */
struct http_scratch {
    struct http_header headers[HTTP_HEADERS_MAX];
};

enum http_result {
    HTTP_MORE, /* all input was taken */
    HTTP_HEAD, /* *ret_head is set; a 1xx answer is followed by another head, without HTTP_DONE
                */
    HTTP_BODY, /* *ret_body is set, a piece of body in place */
    HTTP_DONE, /* the message ended; input left in *rest belongs to the next one */
    HTTP_BAD,  /* not HTTP; reader->error says why */
    HTTP_HEAD_TOO_LARGE,
    HTTP_TARGET_TOO_LONG,
};

enum http_side {
    HTTP_REQUESTS,
    HTTP_ANSWERS
};

struct http_reader {
    struct buffer partial; /* unfinished head, or a head that came in pieces */
    const struct http_limits *limits;
    struct http_scratch *scratch;
    const char *error; /* fixed sentence part after HTTP_BAD */
    struct http_head head;
    uint64_t remaining;  /* of the body, or of the chunk */
    uint32_t searched;   /* bytes of partial that hold no end of the head */
    uint16_t line_bytes; /* of the chunk's extension, of the trailers */
    uint8_t state;
    uint8_t side;
    uint8_t size_digits;   /* of the chunk's size */
    uint8_t interim_count; /* 1xx answers before the answer */
    bool skipped_line;     /* the one empty line that may stand before a request */
    bool head_answer; /* answers: the request was HEAD, so no body comes; set by the owner */
};

void http_reader_init(struct http_reader *reader, enum http_side side,
                      const struct http_limits *limits, struct http_scratch *scratch);
void http_reader_done(struct http_reader *reader);

/* Eats from *REST and gives the next event. */
enum http_result http_next(struct http_reader *reader, struct span *rest,
                           const struct http_head **ret_head, struct span *ret_body);

/* The peer closed.  HTTP_DONE when that ends the body properly (answer without length),
 * HTTP_MORE when between messages, HTTP_BAD when in the middle of one. */
enum http_result http_closed(struct http_reader *reader);

/* After HTTP_DONE: ready for the next message of a kept connection (frees what it held). */
void http_reader_next_message(struct http_reader *reader);
/* True between messages, with no byte of the next one seen. */
bool http_reader_idle(const struct http_reader *reader);

/* First header of that name (lower case given), or SPAN_NONE. */
struct span http_find(const struct http_head *head, struct span name);
/* How many headers have that name. */
unsigned http_count(const struct http_head *head, struct span name);

/* Whether NAME is a token and VALUE has no control byte but tab: nothing else is ever written.
 */
bool http_name_valid(struct span name);
bool http_value_valid(struct span value);

/* "Bad Gateway" for 502; "Unknown" for others. */
const char *http_reason(uint16_t status);

/* Appends "size\r\n" as a chunk begins (lower-case hex); the bytes and "\r\n" follow. */
bool http_append_chunk_head(struct buffer *out, uint64_t size);

#endif
