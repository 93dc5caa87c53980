#include "shared/base/check.h"
#include "shared/http/http_inside.h"
#include "shared/http/http_second.h"

/* The text ends in LF, so the search does, too. */
static const char *token_end(const char *at)
{
    while (http_byte_is(*at, HTTP_BYTE_TOKEN))
        at++;
    return at;
}

static bool is_crlf(const char *at)
{
    return at[0] == '\r' && at[1] == '\n';
}

static const struct {
    struct span name;
    enum http_method id;
} methods[] = {
    {{"POST", 4}, HTTP_METHOD_POST},       {{"GET", 3}, HTTP_METHOD_GET},
    {{"HEAD", 4}, HTTP_METHOD_HEAD},       {{"PUT", 3}, HTTP_METHOD_PUT},
    {{"PATCH", 5}, HTTP_METHOD_PATCH},     {{"DELETE", 6}, HTTP_METHOD_DELETE},
    {{"OPTIONS", 7}, HTTP_METHOD_OPTIONS},
};

static enum http_method method_of(struct span name)
{
    for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
        if (span_eq(name, methods[i].name))
            return methods[i].id;
    }
    return HTTP_METHOD_OTHER;
}

/* "HTTP/1.0" or "HTTP/1.1" at AT. */
static bool read_version(const char *at, struct http_head *head)
{
    if (memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1'))
        return false;
    head->minor = (uint8_t)(at[7] - '0');
    return true;
}

static bool target_form_good(const struct http_head *head)
{
    struct span target = head->target;

    if (target.len == 0)
        return false;
    if (target.ptr[0] == '/')
        return true;
    if (span_eq(target, SPAN("*")))
        return head->method_id == HTTP_METHOD_OPTIONS;
    return span_find(target, SPAN("://")) != SIZE_MAX;
}

/* "POST /v1/x HTTP/1.1" at AT, in a text of at least LEFT bytes; the start of the next line, or
 * NULL. */
static const char *read_request_line(struct http_reader *reader, const char *at, size_t left)
{
    struct http_head *head = &reader->head;
    const char *end = token_end(at), *text_end = at + left;

    head->method = span_of(at, (size_t)(end - at));
    head->method_id = method_of(head->method);
    if (head->method.len == 0 || *end != ' ') {
        reader->error = "the method is not a token";
        return NULL;
    }
    at = end + 1;
    end = at;
    while (http_byte_is(*end, HTTP_BYTE_URI))
        end++;
    head->target = span_of(at, (size_t)(end - at));
    if (head->target.len > reader->limits->target_bytes) {
        reader->error = "the request target is too long";
        return NULL;
    }
    if (*end != ' ' || !target_form_good(head)) {
        reader->error = "the request target is not valid";
        return NULL;
    }
    at = end + 1;
    if (text_end - at < 10 || !read_version(at, head) || !is_crlf(at + 8)) {
        reader->error = "the version is not HTTP/1.0 or HTTP/1.1";
        return NULL;
    }
    return at + 10;
}

/* "HTTP/1.1 200 OK" at AT; the start of the next line, or NULL. */
static const char *read_status_line(struct http_reader *reader, const char *at, size_t left)
{
    struct http_head *head = &reader->head;
    unsigned status = 0;

    reader->error = "the status line is not valid";
    if (left < 14 || !read_version(at, head) || at[8] != ' ')
        return NULL;
    for (unsigned i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9')
            return NULL;
        status = status * 10 + (unsigned)(at[i] - '0');
    }
    head->status = (uint16_t)status;
    if (status < 100 || status > 599 || (at[12] != ' ' && at[12] != '\r'))
        return NULL;
    at = http_value_end(at + 12, at + left);
    return is_crlf(at) ? at + 2 : NULL;
}

/* One field line at AT, in a text that ends at TEXT_END; the start of the next line, or NULL.
 */
static const char *read_field(struct http_reader *reader, const char *at, const char *text_end,
                              struct http_header *ret_header)
{
    const char *end = token_end(at);

    if (end == at || *end != ':') {
        reader->error = *at == ' ' || *at == '\t' ? "a header line is folded"
                                                  : "a header name is not a token";
        return NULL;
    }
    ret_header->name = span_of(at, (size_t)(end - at));
    at = end + 1;
    end = http_value_end(at, text_end);
    if (!is_crlf(end)) {
        reader->error = "a header value has a control character";
        return NULL;
    }
    ret_header->value = span_trim(span_of(at, (size_t)(end - at)));
    return end + 2;
}

static const char *second_opinion(const struct http_reader *reader, struct span text)
{
    const struct http_head *head = &reader->head;
    struct http_framing framing = {
        .request = reader->side == HTTP_REQUESTS,
        .chunked = head->chunked,
        .has_length = head->content_length != HTTP_LENGTH_NONE,
        .minor = head->minor,
        .content_length = head->content_length,
    };

    /* llhttp has a list of methods. What is not in ours has no handler here anyway, and gets
     * the answer that says so instead of a broken connection. */
    if (framing.request && head->method_id == HTTP_METHOD_OTHER)
        return NULL;
    return http_second_reader(text, &framing);
}

enum http_result http_read_head(struct http_reader *reader, struct span text)
{
    struct http_head *head = &reader->head;
    struct http_header *headers = reader->scratch->headers;
    const char *at = text.ptr;
    enum http_result result;

    *head = (struct http_head){.headers = headers, .content_length = HTTP_LENGTH_NONE};
    at = reader->side == HTTP_REQUESTS ? read_request_line(reader, at, text.len)
                                       : read_status_line(reader, at, text.len);
    if (!at && head->target.len > reader->limits->target_bytes)
        return HTTP_TARGET_TOO_LONG;
    while (at && !is_crlf(at)) {
        if (head->header_count >= reader->limits->header_count ||
            head->header_count >= HTTP_HEADERS_MAX)
            return HTTP_HEAD_TOO_LARGE;
        at = read_field(reader, at, text.ptr + text.len, &headers[head->header_count]);
        if (at)
            head->name_lengths |= http_length_bit(headers[head->header_count].name);
        head->header_count++;
    }
    if (!at)
        return http_fail(reader, reader->error);
    /* The search for the end saw the same empty line first. */
    CHECK(at + 2 == text.ptr + text.len);
    result = http_read_fields(reader);
    if (result == HTTP_HEAD) {
        const char *error = second_opinion(reader, text);

        if (error)
            return http_fail(reader, error);
    }
    return result;
}
