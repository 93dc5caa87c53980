/* shared/settings/signer.h
 *
 * How a call is signed: rows of signers.def.
 */
#ifndef SHARED_SETTINGS_SIGNER_H
#define SHARED_SETTINGS_SIGNER_H

#include "shared/base/span.h"

enum signer {
#define SIGNER(name, word, header, before, help) SIGNER_##name,
#include "shared/settings/signers.def"
#undef SIGNER
    SIGNER_COUNT
};

struct signer_row {
    const char *word; /* in the settings */
    struct span header, before;
    const char *help;
};

const struct signer_row *signer_row(enum signer signer);

#endif
