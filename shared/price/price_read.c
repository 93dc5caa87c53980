/* Decimal numbers as exact money: no floating point on the way. */
#include "shared/price/price.h"

#define DIGITS_FULL \
    1000000000000000000ULL /* no more are kept: the others only move the point */
#define EXPONENT_MAX 400

/* A number as digits and the power of ten that they are multiplied with. */
struct decimal {
    uint64_t digits;
    int64_t power;
};

static bool is_digit(struct span text)
{
    return text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
}

/* Digits from the front of *REST; false when there are none. */
static bool read_digits(struct span *rest, bool fraction, struct decimal *ret)
{
    if (!is_digit(*rest))
        return false;
    for (; is_digit(*rest); *rest = span_skip(*rest, 1)) {
        bool kept = ret->digits < DIGITS_FULL;

        if (kept)
            ret->digits = ret->digits * 10 + (uint64_t)(rest->ptr[0] - '0');
        ret->power += (kept ? 0 : 1) - (fraction ? 1 : 0);
    }
    return true;
}

static bool read_exponent(struct span *rest, struct decimal *ret)
{
    struct decimal exponent = {0};
    bool minus;

    *rest = span_skip(*rest, 1);
    minus = rest->len > 0 && rest->ptr[0] == '-';
    if (minus || (rest->len > 0 && rest->ptr[0] == '+'))
        *rest = span_skip(*rest, 1);
    if (!read_digits(rest, false, &exponent) || exponent.power > 0 ||
        exponent.digits > EXPONENT_MAX)
        return false;
    ret->power += minus ? -(int64_t)exponent.digits : (int64_t)exponent.digits;
    return true;
}

static bool read_decimal(struct span text, struct decimal *ret)
{
    *ret = (struct decimal){0};
    if (!read_digits(&text, false, ret))
        return false;
    if (text.len > 0 && text.ptr[0] == '.') {
        text = span_skip(text, 1);
        if (!read_digits(&text, true, ret))
            return false;
    }
    if (text.len > 0 && (text.ptr[0] == 'e' || text.ptr[0] == 'E') &&
        !read_exponent(&text, ret))
        return false;
    return text.len == 0;
}

bool price_read_dollars(struct span number, unsigned power, uint64_t *ret)
{
    struct decimal decimal;
    uint64_t value;
    unsigned dropped = 0; /* the digit after the last one that is kept */

    if (!read_decimal(number, &decimal))
        return false;
    value = decimal.digits;
    decimal.power += (int64_t)power + 9;
    for (; decimal.power > 0 && value > 0; decimal.power--) {
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    }
    for (; decimal.power < 0 && (value > 0 || dropped > 0); decimal.power++) {
        dropped = (unsigned)(value % 10);
        value /= 10;
    }
    value += dropped >= 5;
    if (value > INT64_MAX)
        return false;
    *ret = value;
    return true;
}
