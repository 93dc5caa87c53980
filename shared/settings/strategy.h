/* shared/settings/strategy.h
 *
 * How one of a model's targets is chosen, and when another model stands in.
 */
#ifndef SHARED_SETTINGS_STRATEGY_H
#define SHARED_SETTINGS_STRATEGY_H

enum route_strategy {
#define STRATEGY(name, help) ROUTE_##name,
#include "shared/settings/strategies.def"
#undef STRATEGY
    ROUTE_STRATEGY_COUNT
};

enum route_fallback {
    ROUTE_FALLBACK_general, /* all targets failed */
    ROUTE_FALLBACK_context, /* the request is too long */
    ROUTE_FALLBACK_content, /* the provider refused what it says */
    ROUTE_FALLBACK_COUNT
};

#endif
