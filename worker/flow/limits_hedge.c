/* What a second attempt beside another takes of limits and budgets, and the end of either. */
#include "shared/base/clock.h"

#include "worker/flow/limits.h"
#include "worker/worker.h"

/* Money that nobody can count is not spent twice. */
static bool is_priced(const struct limits *limits)
{
    return limits->request.money == 0 || limits->expected.price_known;
}

bool limits_take_hedge(struct exchange *x)
{
    struct limits *limits = &x->limits;
    const struct snapshot_scope *scopes[2];
    unsigned count = limits_provider_scopes(x, scopes);
    struct claim_refusal refusal;

    limits_expect(x, x->model);
    if (!is_priced(limits) ||
        !claims_add(&limits->claims, limits->request, &limits->expected.counts))
        return false;
    limits->hedge = claims_mark(&limits->claims);
    if (count == 0 || claims_take(&limits->claims, scopes, count, &limits->expected.counts,
                                  clock_monotonic_ns(), &refusal) == FAULT_NONE)
        return true;
    claims_take_back(&limits->claims, limits->request, &limits->expected.counts);
    return false;
}

void limits_return_hedge(struct exchange *x)
{
    struct limits *limits = &x->limits;

    claims_return(&limits->claims, limits->hedge);
    claims_take_back(&limits->claims, limits->request, &limits->expected.counts);
}

void limits_end_beside(struct exchange *x, bool first, const struct claim_counts *used)
{
    struct limits *limits = &x->limits;

    if (first)
        (void)claims_settle_between(&limits->claims, limits->request, limits->hedge, used,
                                    clock_monotonic_ns());
    else
        (void)claims_settle(&limits->claims, limits->hedge, used, clock_monotonic_ns());
}
