/* worker/translate/traits.h
 *
 * What a model allows that others of its dialect do not, by the beginning of its name
 * (models.def). A writer asks here and nowhere else; the names of models stand in the table
 * only. An unknown model has the traits of its dialect's newest.
 */
#ifndef WORKER_TRANSLATE_TRAITS_H
#define WORKER_TRANSLATE_TRAITS_H

#include <stdint.h>

#include "worker/translate/chat.h"

enum trait {
    TRAIT_NO_SAMPLING = 1 << 0,  /* temperature, top_p, top_k are refused while it reasons */
    TRAIT_ONE_SAMPLING = 1 << 1, /* temperature and top_p not together */
    TRAIT_THINKS_BY_BUDGET = 1 << 2, /* reasoning is asked for by a number of tokens */
    TRAIT_THINKS_BY_EFFORT = 1 << 3, /* ... by a word */
    TRAIT_THINKS_ALWAYS = 1 << 4,    /* cannot be switched off */
    TRAIT_NO_XHIGH = 1 << 5,         /* knows no effort above high but max */
    TRAIT_MID_SYSTEM = 1 << 6,       /* system messages anywhere */
    TRAIT_NO_PREFILL = 1 << 7,       /* the last message must be the user's */
    TRAIT_SCHEMA_OUTPUT = 1 << 8,    /* answers by a JSON schema natively */
    TRAIT_FORCES_NO_TOOL = 1 << 9,   /* tool choice cannot be forced */
    TRAIT_SIGNED_CALLS = 1 << 10,    /* calls of tools need their signature back */
    TRAIT_TOOL_RESULT_MEDIA = 1 << 11,
    TRAIT_NO_STOP = 1 << 12,   /* stop sequences are refused */
    TRAIT_DEVELOPER = 1 << 13, /* system texts are the developer's */
    TRAIT_CACHE_BREAKPOINTS = 1 << 14,
    TRAIT_NO_TOOLS_WHILE_REASONING = 1 << 15, /* in chat completions */
    TRAIT_THINKS_WHEN_ASKED = 1 << 16,        /* not by itself */
    TRAIT_NO_MINIMAL = 1 << 17,               /* knows no effort below low but none */
    TRAIT_NO_MAX = 1 << 18,                   /* knows no effort above xhigh */
    TRAIT_NO_MEDIUM = 1 << 19,                /* knows no effort between low and high */
    TRAIT_NO_SYSTEM = 1 << 20,                /* no system texts: they begin the user's */
    TRAIT_FORMAT_WITH_TOOLS = 1 << 21,        /* a JSON answer and tools in one request */
    TRAIT_TAKES_MEDIA = 1 << 22,              /* at an address of its own, in parts */
    TRAIT_SEARCHES = 1 << 23,                 /* the web, in chat completions */
};

struct model_traits {
    struct span prefix;
    uint8_t dialect; /* enum dialect_id whose providers have it */
    uint32_t max_output;
    uint32_t budget_min, budget_max; /* of reasoning; 0: no bound known */
    uint32_t traits;                 /* enum trait */
};

/* The longest prefix of NAME (a vendor's part before the last '/' does not count). Never NULL.
 */
const struct model_traits *model_traits(struct span name, enum dialect_id dialect);

#endif
