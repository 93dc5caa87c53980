#include "shared/http/http_second.h"

#include <llhttp.h>

/* What llhttp understood of a head. */
struct second {
    const struct http_framing *ours;
    bool complete;
    bool agrees;
};

static int head_complete(llhttp_t *parser)
{
    struct second *second = parser->data;
    const struct http_framing *ours = second->ours;
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    bool length = (parser->flags & F_CONTENT_LENGTH) != 0;

    second->complete = true;
    second->agrees = chunked == ours->chunked && length == ours->has_length &&
                     (!length || parser->content_length == ours->content_length) &&
                     parser->http_major == 1 && parser->http_minor == ours->minor;
    return 1; /* the body is not its business */
}

static const llhttp_settings_t settings = {.on_headers_complete = head_complete};

const char *http_second_reader(struct span text, const struct http_framing *framing)
{
    struct second second = {.ours = framing};
    llhttp_errno_t error;
    llhttp_t parser;

    llhttp_init(&parser, framing->request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = &second;
    error = llhttp_execute(&parser, text.ptr, text.len);
    if (error != HPE_OK && error != HPE_PAUSED_UPGRADE)
        return "the head is not valid";
    if (!second.complete || !second.agrees)
        return "the framing of the message is ambiguous";
    return NULL;
}
