#include "worker/translate/complaint.h"

#include "shared/base/check.h"

const struct complaint_row *complaint_row(enum complaint_kind kind)
{
    static const struct complaint_row rows[] = {
#define COMPLAINT(kind, o_status, o_type, o_code, a_status, a_type, g_status, g_word, fault) \
    {#kind, o_status, o_type, o_code, a_status, a_type, g_status, g_word, FAULT_##fault},
#include "worker/translate/complaints.def"
#undef COMPLAINT
    };

    _Static_assert(ARRAY_LEN(rows) == COMPLAINT_COUNT, "a row for each");
    CHECK((unsigned)kind < COMPLAINT_COUNT);
    return &rows[kind];
}

uint16_t complaint_status(enum complaint_kind kind)
{
    return complaint_row(kind)->openai_status;
}

enum complaint_kind complaint_of_status(uint16_t status)
{
    static const struct {
        uint16_t status;
        uint8_t kind;
    } rows[] = {
        {401, COMPLAINT_bad_key},       {402, COMPLAINT_no_credit}, {403, COMPLAINT_forbidden},
        {404, COMPLAINT_not_found},     {405, COMPLAINT_method},    {408, COMPLAINT_timeout},
        {409, COMPLAINT_conflict},      {413, COMPLAINT_too_large}, {415, COMPLAINT_media_type},
        {422, COMPLAINT_unprocessable}, {424, COMPLAINT_internal},  {429, COMPLAINT_rate_limit},
        {498, COMPLAINT_rate_limit},    {499, COMPLAINT_timeout},   {503, COMPLAINT_overloaded},
        {504, COMPLAINT_timeout},       {524, COMPLAINT_timeout},   {529, COMPLAINT_overloaded},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == status)
            return rows[i].kind;
    }
    if (status >= 500)
        return COMPLAINT_internal;
    return status >= 400 ? COMPLAINT_bad_request : COMPLAINT_bad_answer;
}

static struct text keep(struct text text, struct arena *arena)
{
    struct span copy;

    if (!text.ptr)
        return text;
    copy = arena_copy(arena, span_of(text.ptr, text.len));
    return (struct text){copy.ptr, copy.len};
}

void complaint_keep(const struct complaint *complaint, struct arena *arena,
                    struct complaint *ret)
{
    *ret = *complaint;
    ret->message = keep(complaint->message, arena);
    ret->code = keep(complaint->code, arena);
    ret->param = keep(complaint->param, arena);
    ret->request_id = keep(complaint->request_id, arena);
}
