#include "shared/base/encode.h"
#include "shared/http/http_inside.h"

#define EXTENSION_BYTES 64
#define TRAILER_BYTES   8192
#define SIZE_DIGITS     15 /* a size stays below 2^60 */

/* After the first part of a chunk line: an extension or the end of the line. */
static bool line_goes_on(struct http_reader *reader, char c)
{
    if (c == ';') {
        reader->state = HTTP_STATE_CHUNK_NAME;
        return true;
    }
    reader->state = HTTP_STATE_CHUNK_SIZE_LF;
    return c == '\r';
}

static bool step_size(struct http_reader *reader, char c)
{
    int digit = hex_digit(c);

    if (digit < 0)
        return reader->size_digits > 0 && line_goes_on(reader, c);
    if (reader->size_digits >= SIZE_DIGITS)
        return false;
    reader->size_digits++;
    reader->remaining = reader->remaining << 4 | (uint64_t)digit;
    return true;
}

/* Escapes are not taken: nobody needs them, and whoever disagrees on their end could smuggle.
 */
static bool step_quoted(struct http_reader *reader, char c)
{
    if (c == '"')
        reader->state = HTTP_STATE_CHUNK_QUOTED_END;
    return c != '\\' && http_byte_is(c, HTTP_BYTE_VALUE);
}

static bool step_extension(struct http_reader *reader, char c)
{
    if (++reader->line_bytes > EXTENSION_BYTES)
        return false;
    if (reader->state == HTTP_STATE_CHUNK_QUOTED)
        return step_quoted(reader, c);
    if (reader->state == HTTP_STATE_CHUNK_QUOTED_END)
        return line_goes_on(reader, c);
    if (reader->state == HTTP_STATE_CHUNK_VALUE && c == '"') {
        reader->state = HTTP_STATE_CHUNK_QUOTED;
        return true;
    }
    if (http_byte_is(c, HTTP_BYTE_TOKEN)) {
        if (reader->state == HTTP_STATE_CHUNK_NAME)
            reader->state = HTTP_STATE_CHUNK_NAME_MORE;
        else if (reader->state == HTTP_STATE_CHUNK_VALUE)
            reader->state = HTTP_STATE_CHUNK_VALUE_MORE;
        return true;
    }
    if (reader->state == HTTP_STATE_CHUNK_NAME_MORE && c == '=') {
        reader->state = HTTP_STATE_CHUNK_VALUE;
        return true;
    }
    if (reader->state == HTTP_STATE_CHUNK_NAME || reader->state == HTTP_STATE_CHUNK_VALUE)
        return false;
    return line_goes_on(reader, c);
}

static void begin_chunk(struct http_reader *reader)
{
    reader->state = HTTP_STATE_CHUNK_SIZE;
    reader->remaining = 0;
    reader->size_digits = 0;
    reader->line_bytes = 0;
}

/* The LF after a chunk's size. */
static bool step_size_end(struct http_reader *reader, char c)
{
    reader->state = reader->remaining > 0 ? HTTP_STATE_CHUNK_DATA : HTTP_STATE_TRAILER;
    reader->line_bytes = 0;
    return c == '\n';
}

static bool step_trailer(struct http_reader *reader, char c)
{
    bool ends_line = c == '\r';

    if (++reader->line_bytes > TRAILER_BYTES)
        return false;
    if (reader->state == HTTP_STATE_TRAILER) {
        reader->state = ends_line ? HTTP_STATE_LAST_LF : HTTP_STATE_TRAILER_NAME;
        return ends_line || http_byte_is(c, HTTP_BYTE_TOKEN);
    }
    if (reader->state == HTTP_STATE_TRAILER_NAME) {
        if (c == ':')
            reader->state = HTTP_STATE_TRAILER_VALUE;
        return c == ':' || http_byte_is(c, HTTP_BYTE_TOKEN);
    }
    if (reader->state == HTTP_STATE_TRAILER_VALUE) {
        if (ends_line)
            reader->state = HTTP_STATE_TRAILER_LF;
        return ends_line || http_byte_is(c, HTTP_BYTE_VALUE);
    }
    reader->state = reader->state == HTTP_STATE_LAST_LF ? HTTP_STATE_ENDED : HTTP_STATE_TRAILER;
    return c == '\n';
}

/* One byte outside of the data; false when it may not stand there. */
static bool step(struct http_reader *reader, char c)
{
    if (reader->state == HTTP_STATE_CHUNK_SIZE)
        return step_size(reader, c);
    if (reader->state < HTTP_STATE_CHUNK_SIZE_LF)
        return step_extension(reader, c);
    if (reader->state == HTTP_STATE_CHUNK_SIZE_LF)
        return step_size_end(reader, c);
    if (reader->state == HTTP_STATE_CHUNK_DATA_CR) {
        reader->state = HTTP_STATE_CHUNK_DATA_LF;
        return c == '\r';
    }
    if (reader->state == HTTP_STATE_CHUNK_DATA_LF) {
        begin_chunk(reader);
        return c == '\n';
    }
    return step_trailer(reader, c);
}

enum http_result http_next_chunked(struct http_reader *reader, struct span *rest,
                                   struct span *ret_body)
{
    while (rest->len > 0 && reader->state != HTTP_STATE_CHUNK_DATA) {
        if (!step(reader, rest->ptr[0]))
            return http_fail(reader, "the chunks of the body are not valid");
        *rest = span_skip(*rest, 1);
        if (reader->state == HTTP_STATE_ENDED) {
            reader->state = HTTP_STATE_FINISHED;
            return HTTP_DONE;
        }
    }
    if (rest->len == 0)
        return HTTP_MORE;
    *ret_body = *rest;
    if (ret_body->len > reader->remaining)
        ret_body->len = (size_t)reader->remaining;
    *rest = span_skip(*rest, ret_body->len);
    reader->remaining -= ret_body->len;
    if (reader->remaining == 0)
        reader->state = HTTP_STATE_CHUNK_DATA_CR;
    return HTTP_BODY;
}
