/* How long the answer may be, and how the model shall reason before it. */
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

#define OUTPUT_DEFAULT  8192 /* of a model that nobody here has heard of */
#define BUDGET_SMALLEST 1024

/* Tokens for an effort, for models that are asked by a number. */
static const uint64_t budgets[] = {
    [EFFORT_MINIMAL] = 1024, [EFFORT_LOW] = 2048,    [EFFORT_MEDIUM] = 10000,
    [EFFORT_HIGH] = 16384,   [EFFORT_XHIGH] = 32768, [EFFORT_MAX] = UINT64_MAX,
};

/* And back, for those that are asked by a word. */
static const struct {
    double budget;
    uint8_t effort;
} efforts[] = {{10000, EFFORT_HIGH}, {5000, EFFORT_MEDIUM}, {0, EFFORT_LOW}};

static double number_of(struct chat_writing *writing, struct json_value number)
{
    return strtod(arena_copy(writing->t->arena, number.raw).ptr, NULL);
}

static void set_max_output(struct chat_writing *writing)
{
    uint64_t most = writing->t->target.traits->max_output;
    struct json_value asked = writing->chat->fields[CHAT_max_output];

    writing->max_output = most > 0 ? most : OUTPUT_DEFAULT;
    if (!chat_has(writing->chat, CHAT_max_output))
        return;
    if (!json_u64(asked, &writing->max_output)) {
        double number = number_of(writing, asked);

        writing->max_output = number >= 1 && number < 1e9 ? (uint64_t)number : 1;
    }
    if (most > 0 && writing->max_output > most) {
        writing->max_output = most;
        anthropic_drop_field(writing, CHAT_max_output);
    }
}

/* ---- the plan ---------------------------------------------------------------------------- */

static void drop_reasoning(struct chat_writing *writing)
{
    static const struct span names[] = {
        [DIALECT_openai] = WORD("reasoning_effort"),
        [DIALECT_responses] = WORD("reasoning"),
        [DIALECT_anthropic] = WORD("thinking"),
        [DIALECT_gemini] = WORD("thinkingConfig"),
    };

    writing->thinking = (struct thinking_plan){.on = false};
    drop(writing->t, names[writing->chat->dialect]);
}

static void plan_effort(struct chat_writing *writing)
{
    struct thinking_plan *plan = &writing->thinking;
    const struct reasoning *asked = &writing->chat->reasoning;
    double budget = asked->budget.kind == JSON_NUMBER ? number_of(writing, asked->budget) : -1;

    *plan = (struct thinking_plan){.on = true, .adaptive = true, .effort = asked->effort};
    for (unsigned i = 0; budget > 0 && plan->effort == EFFORT_ABSENT; i++)
        if (budget >= efforts[i].budget)
            plan->effort = efforts[i].effort;
    if (plan->effort == EFFORT_XHIGH && writing_has(writing, TRAIT_NO_XHIGH))
        plan->effort = EFFORT_HIGH;
}

static void plan_budget(struct chat_writing *writing)
{
    struct thinking_plan *plan = &writing->thinking;
    const struct reasoning *asked = &writing->chat->reasoning;
    double budget = asked->budget.kind == JSON_NUMBER ? number_of(writing, asked->budget) : -1;

    if (writing->max_output <= BUDGET_SMALLEST && !writing->counts) {
        drop_reasoning(writing);
        return;
    }
    *plan = (struct thinking_plan){.on = true, .budget = budgets[EFFORT_HIGH]};
    if (budget > 0)
        plan->budget = budget < 1e9 ? (uint64_t)budget : (uint64_t)1e9;
    else if (asked->effort != EFFORT_ABSENT)
        plan->budget = budgets[asked->effort];
    if (plan->budget >= writing->max_output)
        plan->budget = writing->max_output / 2; /* the other half is for the answer */
    if (plan->budget < BUDGET_SMALLEST)
        plan->budget = BUDGET_SMALLEST;
}

static bool is_switched_off(struct chat_writing *writing)
{
    const struct reasoning *asked = &writing->chat->reasoning;

    return asked->effort == EFFORT_NONE ||
           (asked->budget.kind == JSON_NUMBER && number_of(writing, asked->budget) == 0);
}

void anthropic_plan(struct chat_writing *writing)
{
    const struct reasoning *asked = &writing->chat->reasoning;
    bool wanted =
        asked->effort != EFFORT_ABSENT || asked->adaptive || asked->budget.kind == JSON_NUMBER;

    set_max_output(writing);
    if (!wanted)
        return;
    if (is_switched_off(writing)) {
        if (writing_has(writing, TRAIT_THINKS_ALWAYS))
            drop_reasoning(writing);
        else
            writing->thinking.off = writing_has(writing, TRAIT_THINKS_BY_EFFORT);
        return;
    }
    if (writing_has(writing, TRAIT_THINKS_BY_EFFORT))
        plan_effort(writing);
    else if (writing_has(writing, TRAIT_THINKS_BY_BUDGET))
        plan_budget(writing);
    else
        drop_reasoning(writing);
    /* A tool that must be called and thoughts before it exclude each other. */
    if (writing->thinking.on && anthropic_is_forced(anthropic_choice(writing)))
        drop_reasoning(writing);
}

/* Whether the conversation goes on after a call whose thoughts are not there. */
static bool lost_thoughts(const struct turns *turns)
{
    const struct turn *last = NULL;

    for (const struct turn *turn = turns->first; turn; turn = turn->next)
        if (turn->role == ROLE_assistant)
            last = turn;
    return last && last->calls > 0 && last->blocks->block->kind != BLOCK_reasoning;
}

void anthropic_plan_again(struct chat_writing *writing)
{
    if (writing->thinking.on && !writing->thinking.adaptive && lost_thoughts(&writing->turns))
        drop_reasoning(writing);
}

void anthropic_write_thinking(struct chat_writing *writing)
{
    const struct thinking_plan *plan = &writing->thinking;
    uint8_t shown = writing->chat->reasoning.shown;

    if (!plan->on && !plan->off)
        return;
    json_write_key(writing->json, SPAN("thinking"));
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"),
                           plan->off        ? SPAN("disabled")
                           : plan->adaptive ? SPAN("adaptive")
                                            : SPAN("enabled"));
    if (plan->on && !plan->adaptive)
        json_write_member_u64(writing->json, SPAN("budget_tokens"), plan->budget);
    if (plan->on && plan->adaptive && shown != MAYBE_ABSENT)
        json_write_member_text(writing->json, SPAN("display"),
                               shown == MAYBE_TRUE ? SPAN("summarized") : SPAN("omitted"));
    json_write_object_end(writing->json);
}
