#include "shared/base/check.h"

#include "worker/mock/mock_answer.h"

static const struct {
    struct span text, unit;
    size_t member;
    uint32_t most;
} parts[] = {

#define PART(name, text, unit, most) \
    {WORD(text), WORD(unit), offsetof(struct mock_model, name), (most)},
#include "worker/mock/mock_parts.def"
#undef PART
};

/* Eats the number of a part and its unit. */
static bool read_number(struct span *rest, struct span unit, uint32_t most, uint32_t *ret)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < rest->len && rest->ptr[digits] >= '0' && rest->ptr[digits] <= '9')
        digits++;
    if (!span_read_u64(span_of(rest->ptr, digits), &number) || number > most)
        return false;
    *rest = span_skip(*rest, digits);
    if (!span_starts(*rest, unit))
        return false;
    *rest = span_skip(*rest, unit.len);
    *ret = (uint32_t)number;
    return true;
}

static bool read_part(struct span *rest, struct mock_model *model)
{
    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        uint32_t number = 1;

        if (!span_starts(*rest, parts[i].text))
            continue;
        *rest = span_skip(*rest, parts[i].text.len);
        if (!span_eq(parts[i].unit, SPAN("-")) &&
            !read_number(rest, parts[i].unit, parts[i].most, &number))
            return false;
        memcpy((char *)model + parts[i].member, &number, sizeof(number));
        model->cuts |= parts[i].member == offsetof(struct mock_model, cut_after);
        return true;
    }
    return false;
}

bool mock_read_model(struct span name, struct mock_model *ret)
{
    struct mock_model model = {0};

    do {
        if (!read_part(&name, &model))
            return false;
        if (name.len == 0) {
            *ret = model;
            return model.status == 0 || (model.status >= 200 && model.status <= 599);
        }
        if (name.ptr[0] != '-' && name.ptr[0] != '+')
            return false;
        name = span_skip(name, 1);
    } while (true);
}
