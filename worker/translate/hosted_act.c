/* What hosted tools did. Declared in hosted.h. */
#include "worker/translate/hosted.h"

struct act *act_new(enum hosted_kind kind, struct arena *arena)
{
    struct act *act = ARENA_NEW(arena, struct act);

    act->kind = (uint8_t)kind;
    return act;
}

struct source *act_add_source(struct act *act, struct arena *arena)
{
    struct source *source = ARENA_NEW(arena, struct source);

    if (act->last_source)
        act->last_source->next = source;
    else
        act->sources = source;
    act->last_source = source;
    return source;
}

void act_add_output(struct act *act, struct text output, struct arena *arena)
{
    if (!act->output.ptr)
        act->output = output;
    else if (output.len > 0)
        act->output = text_join(act->output, output, arena);
}

struct act *act_copy(const struct act *act, struct arena *arena)
{
    struct act *copy = act_new((enum hosted_kind)act->kind, arena);

    copy->failed = act->failed;
    copy->shell = act->shell;
    copy->id = text_copy(act->id, arena);
    copy->input = text_copy(act->input, arena);
    copy->output = text_copy(act->output, arena);
    for (const struct source *at = act->sources; at; at = at->next) {
        struct source *source = act_add_source(copy, arena);

        source->url = text_copy(at->url, arena);
        source->title = text_copy(at->title, arena);
        source->age = text_copy(at->age, arena);
    }
    return copy;
}

static struct text fenced(struct text language, struct text code, struct arena *arena)
{
    struct text open = text_join(text_join(TEXT("```"), language, arena), TEXT("\\n"), arena);

    return text_join(text_join(open, code, arena), TEXT("\\n```\\n"), arena);
}

struct text act_words(const struct act *act, struct arena *arena)
{
    struct text words = TEXT_NONE;

    if (act->kind != HOSTED_code)
        return TEXT_NONE;
    if (act->input.ptr)
        words = fenced(act->shell ? TEXT("bash") : TEXT("python"), act->input, arena);
    if (act->output.ptr)
        words = text_join(words, fenced(TEXT_NONE, act->output, arena), arena);
    return words;
}
