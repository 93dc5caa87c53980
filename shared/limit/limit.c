#include "shared/limit/limit.h"

#include "shared/base/check.h"
#include "shared/base/hash.h"

static const char *const scopes[] = {
#define LIMIT_SCOPE(name, help) #name,
#include "shared/limit/limits.def"
};

static const char *const units[] = {
#define LIMIT_UNIT(name, help) #name,
#include "shared/limit/limits.def"
};

static const char *const algorithms[] = {
#define LIMIT_ALGORITHM(name, help) #name,
#include "shared/limit/limits.def"
};

static const char *const modes[] = {
#define LIMIT_MODE(name, help) #name,
#include "shared/limit/limits.def"
};

static const char *const periods[] = {
#define BUDGET_PERIOD(name, help) #name,
#include "shared/limit/limits.def"
};

static struct span word(const char *const *words, unsigned count, unsigned index)
{
    return index < count ? span_of_text(words[index]) : SPAN_NONE;
}

struct span limit_scope_name(unsigned scope)
{
    return word(scopes, ARRAY_LEN(scopes), scope);
}

struct span limit_unit_name(unsigned unit)
{
    return word(units, ARRAY_LEN(units), unit);
}

struct span limit_algorithm_name(unsigned algorithm)
{
    return word(algorithms, ARRAY_LEN(algorithms), algorithm);
}

struct span limit_mode_name(unsigned mode)
{
    return word(modes, ARRAY_LEN(modes), mode);
}

struct span budget_period_name(unsigned period)
{
    return word(periods, ARRAY_LEN(periods), period);
}

/* The four parts are hashed each, so that none can pass for the end of another. */
uint64_t limit_identity(enum limit_scope scope, struct span subject, struct span rule,
                        int64_t period_ms)
{
    uint8_t parts[2 * SHA256_SIZE + 16] = {(uint8_t)scope}, digest[SHA256_SIZE];
    uint64_t identity;

    memcpy(parts + 8, &period_ms, sizeof(period_ms));
    hash_sha256(subject, parts + 16);
    hash_sha256(rule, parts + 16 + SHA256_SIZE);
    hash_sha256(span_of((const char *)parts, sizeof(parts)), digest);
    memcpy(&identity, digest, sizeof(identity));
    return identity == 0 ? 1 : identity;
}
