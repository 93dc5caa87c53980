#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

static const struct word efforts[] = {
    {WORD("none"), EFFORT_NONE}, {WORD("minimal"), EFFORT_MINIMAL},
    {WORD("low"), EFFORT_LOW},   {WORD("medium"), EFFORT_MEDIUM},
    {WORD("high"), EFFORT_HIGH}, {WORD("xhigh"), EFFORT_XHIGH},
    {WORD("max"), EFFORT_MAX},   {WORD("default"), EFFORT_MEDIUM}, /* Groq */
};

bool openai_effort_read(struct json_value word, uint8_t *ret_effort)
{
    return word_value(efforts, ARRAY_LEN(efforts), word, ret_effort);
}

struct span openai_effort_text(enum effort effort)
{
    return word_text(efforts, ARRAY_LEN(efforts), (uint8_t)effort);
}

/* The first five are OpenAI's; the others are what look-alikes say. */
static const struct word finishes[] = {
    {WORD("stop"), STOP_END},
    {WORD("length"), STOP_LENGTH},
    {WORD("tool_calls"), STOP_TOOL},
    {WORD("content_filter"), STOP_FILTER},
    {WORD("function_call"), STOP_TOOL},
    {WORD(""), STOP_NONE},
    {WORD("null"), STOP_NONE},
    {WORD("eos"), STOP_END},
    {WORD("normal"), STOP_END},
    {WORD("COMPLETE"), STOP_END},
    {WORD("end_turn"), STOP_END},
    {WORD("stop_sequence"), STOP_SEQUENCE},
    {WORD("STOP_SEQUENCE"), STOP_SEQUENCE},
    {WORD("MAX_TOKENS"), STOP_LENGTH},
    {WORD("max_tokens"), STOP_LENGTH},
    {WORD("model_length"), STOP_CONTEXT},
    {WORD("model_context_window_exceeded"), STOP_CONTEXT},
    {WORD("TOOL_CALL"), STOP_TOOL},
    {WORD("tool_use"), STOP_TOOL},
    {WORD("sensitive"), STOP_FILTER},
    {WORD("refusal"), STOP_FILTER},
    {WORD("error"), STOP_FAILED},
    {WORD("ERROR"), STOP_FAILED},
    {WORD("network_error"), STOP_FAILED},
    {WORD("insufficient_system_resource"), STOP_FAILED},
};

enum stop_reason openai_finish_read(struct json_value word)
{
    uint8_t stop = word.kind == JSON_STRING ? STOP_END : STOP_NONE;

    (void)word_value(finishes, ARRAY_LEN(finishes), word, &stop);
    return stop;
}

struct span openai_finish_text(enum stop_reason stop)
{
    switch (stop) {
    case STOP_LENGTH:
    case STOP_CONTEXT: return SPAN("length");
    case STOP_TOOL: return SPAN("tool_calls");
    case STOP_FILTER: return SPAN("content_filter");
    case STOP_NONE:
    case STOP_END:
    case STOP_SEQUENCE:
    case STOP_PAUSE:
    case STOP_FAILED: break;
    }
    return SPAN("stop");
}
