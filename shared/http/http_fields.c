#include "shared/http/http_inside.h"

/* What was found of the fields that decide about framing. */
struct framing {
    struct span host, length, coding;
    unsigned hosts, lengths, codings;
    bool close, keep_alive, names_upgrade, has_upgrade;
};

/* The members of a Connection field: a comma separated list of tokens (RFC 9110 7.6.1). */
static bool read_connection(struct span value, struct framing *framing)
{
    struct span piece;

    while (span_cut(&value, ',', &piece)) {
        piece = span_trim(piece);
        if (piece.len == 0)
            continue;
        if (!http_name_valid(piece))
            return false;
        framing->close |= span_eq_nocase(piece, SPAN("close"));
        framing->keep_alive |= span_eq_nocase(piece, SPAN("keep-alive"));
        framing->names_upgrade |= span_eq_nocase(piece, SPAN("upgrade"));
    }
    return true;
}

static void read_expect(struct http_head *head, struct span value)
{
    if (span_eq_nocase(value, SPAN("100-continue")))
        head->expect_continue = true;
    else
        head->expect_other = true;
}

/* Whether HEADER could be read; only names of certain lengths are looked at. */
static bool read_one(struct http_head *head, const struct http_header *header,
                     struct framing *framing)
{
    switch (header->name.len) {
    case 4:
        if (span_eq_nocase(header->name, SPAN("host"))) {
            framing->host = header->value;
            framing->hosts++;
        }
        return true;
    case 6:
        if (span_eq_nocase(header->name, SPAN("expect")))
            read_expect(head, header->value);
        return true;
    case 7: framing->has_upgrade |= span_eq_nocase(header->name, SPAN("upgrade")); return true;
    case 10:
        if (span_eq_nocase(header->name, SPAN("connection")))
            return read_connection(header->value, framing);
        return true;
    case 14:
        if (span_eq_nocase(header->name, SPAN("content-length"))) {
            framing->length = header->value;
            framing->lengths++;
        }
        return true;
    case 17:
        if (span_eq_nocase(header->name, SPAN("transfer-encoding"))) {
            framing->coding = header->value;
            framing->codings++;
        }
        return true;
    default: return true;
    }
}

/* The authority of an absolute-form target, or SPAN_NONE when it has no http scheme. */
static struct span authority_of(struct span target)
{
    size_t scheme = span_find(target, SPAN("://"));
    struct span name = span_of(target.ptr, scheme), authority;

    if (!span_eq_nocase(name, SPAN("http")) && !span_eq_nocase(name, SPAN("https")))
        return SPAN_NONE;
    authority = span_skip(target, scheme + 3);
    for (size_t i = 0; i < authority.len; i++) {
        if (authority.ptr[i] == '/' || authority.ptr[i] == '?') {
            authority.len = i;
            break;
        }
    }
    return authority;
}

static const char *check_host(const struct http_head *head, const struct framing *framing)
{
    if (framing->hosts > 1)
        return "Host stands twice";
    if (framing->hosts == 0)
        return head->minor == 0 ? NULL : "Host is missing";
    if (framing->host.len == 0)
        return "Host is empty";
    for (size_t i = 0; i < framing->host.len; i++) {
        if (!http_byte_is(framing->host.ptr[i], HTTP_BYTE_HOST))
            return "Host is not valid";
    }
    return NULL;
}

static const char *check_target(const struct http_head *head, const struct framing *framing)
{
    struct span authority;

    if (head->target.ptr[0] == '/' || head->target.ptr[0] == '*')
        return NULL;
    authority = authority_of(head->target);
    if (!authority.ptr)
        return "the request target is not valid";
    if (framing->hosts == 1 && !span_eq_nocase(authority, framing->host))
        return "Host differs from the request target";
    return NULL;
}

static const char *check_framing(struct http_head *head, const struct framing *framing)
{
    uint64_t length;

    if (framing->lengths > 1)
        return "Content-Length stands twice";
    if (framing->codings > 1)
        return "Transfer-Encoding stands twice";
    if (framing->lengths && framing->codings)
        return "Content-Length and Transfer-Encoding stand together";
    if (framing->lengths) {
        if (!span_read_u64(framing->length, &length) || length > INT64_MAX)
            return "Content-Length is not a number";
        head->content_length = length;
    }
    if (framing->codings) {
        if (head->minor == 0)
            return "Transfer-Encoding in HTTP/1.0";
        if (!span_eq_nocase(framing->coding, SPAN("chunked")))
            return "Transfer-Encoding is not chunked";
        head->chunked = true;
    }
    return NULL;
}

/* RFC 9112 6.3, requests. */
static const char *finish_request(struct http_head *head, const struct framing *framing)
{
    const char *error = check_host(head, framing);

    if (!error)
        error = check_target(head, framing);
    head->has_body =
        head->chunked || (head->content_length != HTTP_LENGTH_NONE && head->content_length > 0);
    return error;
}

/* RFC 9112 6.3, answers. */
static const char *finish_answer(struct http_reader *reader)
{
    struct http_head *head = &reader->head;
    bool framed = head->chunked || head->content_length != HTTP_LENGTH_NONE;

    if (head->status == 101)
        return "an answer switches protocols";
    if (head->status < 200)
        return framed && head->content_length != 0 ? "an interim answer has a body" : NULL;
    if (reader->head_answer || head->status == 304)
        return NULL;
    if (head->status == 204) {
        /* Some servers frame it nevertheless; who knows whether bytes follow. */
        if (head->chunked || (framed && head->content_length > 0))
            head->keep_alive = false;
        return NULL;
    }
    head->has_body = !framed || head->chunked || head->content_length > 0;
    if (!framed)
        head->keep_alive = false;
    return NULL;
}

enum http_result http_read_fields(struct http_reader *reader)
{
    struct http_head *head = &reader->head;
    struct framing framing = {0};
    const char *error;

    for (unsigned i = 0; i < head->header_count; i++) {
        if (!read_one(head, &head->headers[i], &framing))
            return http_fail(reader, "Connection is not a list of tokens");
    }
    error = check_framing(head, &framing);
    if (error)
        return http_fail(reader, error);
    head->keep_alive = !framing.close && (head->minor == 1 || framing.keep_alive);
    head->upgrade = framing.names_upgrade && framing.has_upgrade;
    if (head->minor == 0)
        head->expect_continue = false;
    error =
        reader->side == HTTP_REQUESTS ? finish_request(head, &framing) : finish_answer(reader);
    return error ? http_fail(reader, error) : HTTP_HEAD;
}
