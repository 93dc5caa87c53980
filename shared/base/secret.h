/* shared/base/secret.h
 *
 * A secret is a type of its own so that nothing formats it: no log, JSON or printf function
 * takes a struct secret.  Whoever needs the bytes says so with secret_reveal, which a reviewer
 * can grep.
 */
#ifndef SHARED_BASE_SECRET_H
#define SHARED_BASE_SECRET_H

#include "shared/base/span.h"

struct secret {
    struct span hidden;
};

static inline struct secret secret_of(struct span bytes)
{
    return (struct secret){bytes};
}

static inline struct span secret_reveal(struct secret secret)
{
    return secret.hidden;
}

#endif
