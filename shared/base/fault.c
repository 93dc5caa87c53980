#include "shared/base/fault.h"

#include <stddef.h>

#include "shared/base/check.h"

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_NONE] = {.name = "none", .status = 200, .type = "", .message = ""},
#define FAULT(name, status, type, code, source, flags, message) \
    [FAULT_##name] = {#name, (status), (type), (code), (source), (flags), (message)},
#include "shared/base/faults.def"
#undef FAULT
};

const struct fault_row *fault_row(enum fault fault)
{
    CHECK((unsigned)fault < FAULT_COUNT);
    return &rows[fault];
}
