#include "worker/upstream/inside.h"

#define USUAL_HEAD_BYTES 512

static bool target_valid(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char byte = (unsigned char)target.ptr[i];

        if (byte <= ' ' || byte >= 0x7f)
            return false;
    }
    return target.len > 0;
}

static void append_host(struct buffer *out, const struct endpoint *endpoint)
{
    struct span host = endpoint->options.host;
    bool v6 = memchr(host.ptr, ':', host.len) != NULL;
    uint16_t usual = endpoint->options.tls ? 443 : 80;

    if (v6)
        (void)buffer_append_byte(out, '[');
    (void)buffer_append(out, host);
    if (v6)
        (void)buffer_append_byte(out, ']');
    if (endpoint->options.port != usual) {
        (void)buffer_append_byte(out, ':');
        (void)buffer_append_u64(out, endpoint->options.port);
    }
}

static void append_field(struct buffer *out, struct span name, struct span value)
{
    (void)buffer_append(out, name);
    (void)buffer_append(out, SPAN(": "));
    (void)buffer_append(out, value);
    (void)buffer_append(out, SPAN("\r\n"));
}

static void append_length(struct buffer *out, const struct call_request *request)
{
    uint64_t length = 0;

    for (unsigned i = 0; i < request->body_count; i++)
        length += request->body[i].len;
    if (request->body_count == 0 && request->method_id != HTTP_METHOD_POST)
        return;
    (void)buffer_append(out, SPAN("Content-Length: "));
    (void)buffer_append_u64(out, length);
    (void)buffer_append(out, SPAN("\r\n"));
}

bool request_write_head(struct call *call)
{
    const struct call_request *request = call->request;
    struct buffer *out = &call->head;

    if (!http_name_valid(request->method) || !target_valid(request->target) ||
        !http_value_valid(request->host))
        return false;
    (void)buffer_reserve(out, USUAL_HEAD_BYTES); /* grown once, not four times */
    (void)buffer_append(out, request->method);
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, request->target);
    (void)buffer_append(out, SPAN(" HTTP/1.1\r\nHost: "));
    if (request->host.ptr)
        (void)buffer_append(out, request->host);
    else
        append_host(out, call->endpoint);
    (void)buffer_append(out, SPAN("\r\n"));
    for (unsigned i = 0; i < request->header_count; i++) {
        if (!http_name_valid(request->headers[i].name) ||
            !http_value_valid(request->headers[i].value))
            return false;
        append_field(out, request->headers[i].name, request->headers[i].value);
    }
    if (call->endpoint->upstream->user_agent.len > 0)
        append_field(out, SPAN("User-Agent"), call->endpoint->upstream->user_agent);
    append_length(out, request);
    return buffer_append(out, SPAN("\r\n"));
}
