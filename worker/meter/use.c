#include "worker/meter/use.h"

static bool is_absurd(uint64_t count, uint64_t context)
{
    uint64_t most = context > 0 && context < USE_TOKENS_MAX / 8 ? context * 8 : USE_TOKENS_MAX;

    return count != TOKENS_UNKNOWN && count > most;
}

/* A part is never more than its whole, and nobody's word makes it less than nothing. */
static void clamp_part(uint64_t *part, uint64_t whole, unsigned *estimated)
{
    if (*part == TOKENS_UNKNOWN || *part <= whole)
        return;
    *part = whole;
    *estimated |= ESTIMATED_clamped;
}

static void settle_input(const struct usage *told, const struct observed *observed,
                         struct used *ret)
{
    if (is_absurd(told->input, observed->context)) {
        ret->usage.input = observed->input;
        ret->estimated |= ESTIMATED_input | ESTIMATED_clamped;
    } else if (told->input == TOKENS_UNKNOWN && observed->reached) {
        ret->usage.input = observed->input;
        ret->estimated |= ESTIMATED_input;
    }
}

/* Before its end a stream's count is a placeholder: what came counts when it is more. */
static void settle_output(const struct usage *told, const struct observed *observed,
                          struct used *ret)
{
    bool absurd = is_absurd(told->output, observed->context);

    if (!absurd && told->output != TOKENS_UNKNOWN &&
        (observed->whole || told->output >= observed->output))
        return;
    if (!absurd && told->output == TOKENS_UNKNOWN && !observed->reached)
        return;
    ret->usage.output = observed->output;
    ret->estimated |= ESTIMATED_output | (absurd ? ESTIMATED_clamped : 0U);
}

void use_settle(const struct usage *told, const struct observed *observed, struct used *ret)
{
    struct usage *usage = &ret->usage;

    *ret = (struct used){.usage = *told};
    settle_input(told, observed, ret);
    settle_output(told, observed, ret);
    if (usage->input != TOKENS_UNKNOWN) {
        clamp_part(&usage->cached, usage->input, &ret->estimated);
        clamp_part(&usage->cache_write, usage->input, &ret->estimated);
        clamp_part(&usage->cache_write_long, usage->input, &ret->estimated);
        clamp_part(&usage->image_input, usage->input, &ret->estimated);
        clamp_part(&usage->audio_input, usage->input, &ret->estimated);
    }
    if (usage->output != TOKENS_UNKNOWN) {
        clamp_part(&usage->reasoning, usage->output, &ret->estimated);
        clamp_part(&usage->image_output, usage->output, &ret->estimated);
        clamp_part(&usage->audio_output, usage->output, &ret->estimated);
    }
}

static uint64_t or_zero(uint64_t count)
{
    return count == TOKENS_UNKNOWN ? 0 : count;
}

void use_price(const struct usage *usage, uint32_t service, struct price_use *ret)
{
    uint64_t written = or_zero(usage->cache_write), lasting = or_zero(usage->cache_write_long);

    *ret = (struct price_use){.service = service};
    ret->counts[PRICE_input] = or_zero(usage->input);
    ret->counts[PRICE_output] = or_zero(usage->output);
    ret->counts[PRICE_cache_read] = or_zero(usage->cached);
    ret->counts[PRICE_cache_write] = written > lasting ? written - lasting : 0;
    ret->counts[PRICE_cache_write_long] = lasting;
    ret->counts[PRICE_reasoning] = or_zero(usage->reasoning);
    ret->counts[PRICE_audio_input] = or_zero(usage->audio_input);
    ret->counts[PRICE_audio_output] = or_zero(usage->audio_output);
    ret->counts[PRICE_image_input] = or_zero(usage->image_input);
    ret->counts[PRICE_image_output] = or_zero(usage->image_output);
    ret->counts[PRICE_request] = 1;
    ret->counts[PRICE_search] = or_zero(usage->searches);
}
