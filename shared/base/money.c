#include "shared/base/money.h"

#define DIGITS 9

/* The digits after the point, as nanodollars. */
static bool read_part(struct span text, uint64_t *ret)
{
    if (text.len == 0 || text.len > DIGITS || !span_read_u64(text, ret))
        return false;
    for (size_t i = text.len; i < DIGITS; i++)
        *ret *= 10;
    return true;
}

bool money_read(struct span text, uint64_t *ret_nano)
{
    uint64_t dollars, part = 0, nano;
    struct span rest = text, whole;

    if (!span_cut(&rest, '.', &whole) || !span_read_u64(whole, &dollars) ||
        (rest.ptr && !read_part(rest, &part)))
        return false;
    if (__builtin_mul_overflow(dollars, NANO_PER_DOLLAR, &nano) ||
        __builtin_add_overflow(nano, part, &nano) || nano > MONEY_MAX)
        return false;
    *ret_nano = nano;
    return true;
}

void money_write(struct buffer *out, uint64_t nano)
{
    char digits[DIGITS];
    size_t len = DIGITS;
    uint64_t part = nano % NANO_PER_DOLLAR;

    (void)buffer_append_u64(out, nano / NANO_PER_DOLLAR);
    if (part == 0)
        return;
    for (size_t i = DIGITS; i-- > 0; part /= 10)
        digits[i] = (char)('0' + part % 10);
    while (digits[len - 1] == '0')
        len--;
    (void)buffer_append_byte(out, '.');
    (void)buffer_append(out, span_of(digits, len));
}
