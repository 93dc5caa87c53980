#include "worker/translate/words.h"

/* Of the four digits of an escape. Halves of a surrogate pair are two bytes each; the second
 * begins nothing. */
static unsigned bytes_of_escape(const char *digits, bool *ret_begins)
{
    char first = (char)(digits[0] | 0x20), second = (char)(digits[1] | 0x20);

    if (first == 'd' && digits[1] >= '8') {
        *ret_begins = second < 'c';
        return 2;
    }
    if (digits[0] != '0' || second >= '8')
        return 3;
    return digits[1] != '0' || digits[2] > '7' ? 2 : 1;
}

/* What one character of a JSON string, at the front of TEXT, is when decoded: its bytes, and
 * whether it begins a code point. Eats it. */
static unsigned take(struct text *text, bool *ret_begins)
{
    unsigned char c = (unsigned char)*text->ptr;
    size_t len = c == '\\' && text->len > 1 ? 2 : 1;
    unsigned bytes = 1;

    *ret_begins = (c & 0xc0) != 0x80;
    if (len == 2 && text->ptr[1] == 'u' && text->len >= 6) {
        len = 6;
        bytes = bytes_of_escape(text->ptr + 2, ret_begins);
    }
    text->ptr += len;
    text->len -= len;
    return bytes;
}

static uint64_t count(struct text text, bool bytes)
{
    uint64_t sum = 0;
    bool begins;

    while (text.len > 0) {
        unsigned taken = take(&text, &begins);

        sum += bytes ? taken : begins;
    }
    return sum;
}

uint64_t words_count(struct text text)
{
    return count(text, false);
}

uint64_t words_bytes(struct text text)
{
    return count(text, true);
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

uint64_t words_characters_before(struct span words, uint64_t bytes)
{
    uint64_t characters = 0;
    size_t end = bytes < words.len ? (size_t)bytes : words.len;

    for (size_t i = 0; i < end; i++)
        characters += begins_character(words.ptr[i]);
    return characters + (bytes - end);
}

uint64_t words_bytes_before(struct span words, uint64_t characters)
{
    size_t i = 0;

    while (i < words.len) {
        if (begins_character(words.ptr[i])) {
            if (characters == 0)
                return i;
            characters--;
        }
        i++;
    }
    return i + characters;
}

struct json_value words_number(uint64_t value, struct arena *arena)
{
    struct buffer digits _buffer_;

    buffer_init(&digits, 24);
    (void)buffer_append_u64(&digits, value);
    return (struct json_value){JSON_NUMBER, arena_copy(arena, buffer_span(&digits))};
}
