/* shared/base/dialect_id.h
 *
 * The wire formats by number, for those who only must tell them apart. What a dialect is stands
 * in worker/translate/dialect.h.
 */
#ifndef SHARED_BASE_DIALECT_ID_H
#define SHARED_BASE_DIALECT_ID_H

enum dialect_id {
#define DIALECT(name) DIALECT_##name,
#include "shared/base/dialects.def"
#undef DIALECT
    DIALECT_COUNT,
    DIALECT_NONE = DIALECT_COUNT
};

#define DIALECT_DEFAULT ((enum dialect_id)0)

#endif
