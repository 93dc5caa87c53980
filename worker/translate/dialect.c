#include "worker/translate/dialect.h"

#include "shared/base/check.h"

const struct dialect *dialect_row(enum dialect_id id)
{
    static const struct dialect *const rows[] = {
#define DIALECT(name) &dialect_##name,
#include "shared/base/dialects.def"
#undef DIALECT
    };

    _Static_assert(ARRAY_LEN(rows) == DIALECT_COUNT, "a row for each");
    CHECK((unsigned)id < DIALECT_COUNT);
    return rows[id];
}
