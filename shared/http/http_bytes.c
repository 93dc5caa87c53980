#include "shared/base/check.h"
#include "shared/http/http_inside.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#define T HTTP_BYTE_TOKEN
#define V HTTP_BYTE_VALUE
#define U HTTP_BYTE_URI
#define H HTTP_BYTE_HOST

/* Letters, digits, "-", "." and "_" may stand everywhere. */
#define ANY (T | V | U | H)

const unsigned char http_bytes[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | V | U,
    ['"'] = V,
    ['#'] = T | V,
    ['$'] = T | V | U,
    ['%'] = T | V | U | H,
    ['&'] = T | V | U,
    ['\''] = T | V | U,
    ['('] = V | U,
    [')'] = V | U,
    ['*'] = T | V | U,
    ['+'] = T | V | U,
    [','] = V | U,
    ['-'] = ANY,
    ['.'] = ANY,
    ['/'] = V | U,
    ['0' ... '9'] = ANY,
    [':'] = V | U | H,
    [';'] = V | U,
    ['<'] = V,
    ['='] = V | U,
    ['>'] = V,
    ['?'] = V | U,
    ['@'] = V | U,
    ['A' ... 'Z'] = ANY,
    ['['] = V | U | H,
    ['\\'] = V,
    [']'] = V | U | H,
    ['^'] = T | V,
    ['_'] = ANY,
    ['`'] = T | V,
    ['a' ... 'z'] = ANY,
    ['{'] = V | U,
    ['|'] = T | V | U,
    ['}'] = V | U,
    ['~'] = T | V | U | H,
    [0x80 ... 0xff] = V,
};

bool http_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!http_byte_is(name.ptr[i], T))
            return false;
    }
    return name.len > 0;
}

#ifdef __SSE2__
/* Of the 16 bytes at AT, those that stand in no value: controls but the tab, and DEL. */
static unsigned bad_mask(const char *at)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}
#endif

const char *http_value_end(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        unsigned mask = bad_mask(at);

        if (mask)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && http_byte_is(*at, V))
        at++;
    return at;
}

bool http_value_valid(struct span value)
{
    return http_value_end(value.ptr, value.ptr + value.len) == value.ptr + value.len;
}

struct span http_find(const struct http_head *head, struct span name)
{
    if (!(head->name_lengths & http_length_bit(name)))
        return SPAN_NONE;
    for (unsigned i = 0; i < head->header_count; i++) {
        if (span_eq_nocase(head->headers[i].name, name))
            return head->headers[i].value;
    }
    return SPAN_NONE;
}

unsigned http_count(const struct http_head *head, struct span name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < head->header_count; i++)
        count += span_eq_nocase(head->headers[i].name, name);
    return count;
}

static const struct {
    uint16_t status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {529, "Overloaded"},
};

const char *http_reason(uint16_t status)
{
    for (unsigned i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Unknown";
}

bool http_append_chunk_head(struct buffer *out, uint64_t size)
{
    unsigned digits = 1;

    while (digits < 16 && size >> digits * 4 != 0)
        digits++;
    (void)buffer_append_hex(out, size, digits);
    return buffer_append(out, SPAN("\r\n"));
}
