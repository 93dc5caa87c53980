#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "worker/translate/turns.h"

/* Chats and turns in a small notation. Messages are separated by '|' and begin with their role
 * (S system, U user, A assistant); then blocks, each after a space: "word" a text, "_" a blank
 * text, "!id" a call, "=id" a result, "?" a reasoning without signature. In turns "=id*" is a
 * made-up error result, and the leading system texts come first, with an L. */

static struct arena arena;
static struct translation translation;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static void add_block(struct message *message, struct span word)
{
    struct text rest = {word.ptr + 1, word.len - 1};

    if (word.ptr[0] == '!') {
        message_add_block(message, BLOCK_tool_call, &arena)->id = rest;
    } else if (word.ptr[0] == '=') {
        message_add_block(message, BLOCK_tool_result, &arena)->id = rest;
    } else if (word.ptr[0] == '?') {
        message_add_block(message, BLOCK_reasoning, &arena);
    } else {
        struct text text = {word.ptr, word.len};

        message_add_block(message, BLOCK_text, &arena)->text =
            word.ptr[0] == '_' ? TEXT(" \\n") : text;
    }
}

static enum message_role role_of(char letter)
{
    return letter == 'S' ? ROLE_system : letter == 'U' ? ROLE_user : ROLE_assistant;
}

static void read_notation(const char *text, struct chat *chat)
{
    struct span rest = span_of_text(text), part, word;

    while (span_cut(&rest, '|', &part)) {
        struct message *message = NULL;

        while (span_cut(&part, ' ', &word))
            if (!message)
                message = chat_add_message(chat, role_of(word.ptr[0]), &arena);
            else
                add_block(message, word);
    }
}

static void note_blocks(struct buffer *out, const struct turn_block *item)
{
    for (; item; item = item->next) {
        const struct block *block = item->block;
        bool result = block->kind == BLOCK_tool_result;
        struct text text = block->kind == BLOCK_text ? block->text : block->id;

        (void)buffer_append(out, result                           ? SPAN(" =")
                                 : block->kind == BLOCK_tool_call ? SPAN(" !")
                                                                  : SPAN(" "));
        (void)buffer_append(out, span_of(text.ptr, text.len));
        if (block->is_error)
            (void)buffer_append_byte(out, '*');
        ck_assert(!result || text_eq(item->call->id, block->id));
    }
}

static void note_turns(struct buffer *out, const struct turns *turns)
{
    const struct turn *last = NULL;

    if (turns->system)
        (void)buffer_append_byte(out, 'L');
    note_blocks(out, turns->system);
    for (const struct turn *turn = turns->first; turn; last = turn, turn = turn->next) {
        if (out->len > 0)
            (void)buffer_append_byte(out, '|');
        (void)buffer_append_byte(out, "SDUA"[turn->role]);
        note_blocks(out, turn->blocks);
        ck_assert_ptr_nonnull(turn->last);
        ck_assert_ptr_null(turn->last->next);
    }
    ck_assert_ptr_eq(turns->last, last);
}

static const struct {
    const char *name, *in, *out;
    uint32_t flags;
    const char *dropped;
} rows[] = {
    {.name = "nothing gives nothing", .in = "U _", .out = ""},
    {.name = "system texts come apart, blank ones do not",
     .in = "S a|S _|S b|U x",
     .out = "L a b|U x"},
    {.name = "neighbours of a role become one turn",
     .in = "U a|U b|A c|A d|U e",
     .out = "U a b|A c d|U e"},
    {.name = "results of several messages stand in one turn",
     .in = "U q|A !c1 !c2|U =c1|U =c2",
     .out = "U q|A !c1 !c2|U =c1 =c2"},
    {.name = "results come before the user's words",
     .in = "U q|A !c1|U note =c1 thanks",
     .out = "U q|A !c1|U =c1 note thanks"},
    {.name = "results follow the order of the calls",
     .in = "U q|A !c1 !c2|U =c2 =c1",
     .out = "U q|A !c1 !c2|U =c1 =c2"},
    {.name = "a call without its result gets an error",
     .in = "U q|A !c1 !c2|U =c1 stop",
     .out = "U q|A !c1 !c2|U =c1 =c2* stop"},
    {.name = "a call that is last gets an error too",
     .in = "U q|A !c1",
     .out = "U q|A !c1|U =c1*"},
    {.name = "a result without its call is left out",
     .in = "U hi|A yo|U =c9|U go",
     .out = "U hi|A yo|U go",
     .dropped = "messages[].tool_call_id"},
    {.name = "what stood around such a result is joined",
     .in = "U hi|A yo|U =c9|A !c1|U =c1",
     .out = "U hi|A yo !c1|U =c1",
     .dropped = "messages[].tool_call_id"},
    {.name = "a second result of a call is left out",
     .in = "U q|A !c1|U =c1 =c1",
     .out = "U q|A !c1|U =c1",
     .dropped = "messages[].tool_call_id"},
    {.name = "a result that comes too late is made up and left out",
     .in = "U q|A !c1|U x|A y|U =c1 z",
     .out = "U q|A !c1|U =c1* x|A y|U z",
     .dropped = "messages[].tool_call_id"},
    {.name = "calls of one id are told apart",
     .in = "U q|A !c !c|U =c =c",
     .out = "U q|A !c !c_2|U =c =c_2"},
    {.name = "one id in two turns is fine",
     .in = "U q|A !c|U =c|A !c|U =c",
     .out = "U q|A !c|U =c|A !c|U =c"},
    {.name = "an assistant's blank text beside calls goes",
     .in = "U q|A _ !c1|U =c1",
     .out = "U q|A !c1|U =c1"},
    {.name = "an assistant that says nothing goes", .in = "U a|A _|U b", .out = "U a b"},
    {.name = "a later system text becomes the user's",
     .in = "U u1|A a1|U u2|S s|A a2|U u3",
     .out = "U u1|A a1|U u2 <system>s</system>|A a2|U u3"},
    {.name = "a later system text stays where it may",
     .in = "U u1|A a1|U u2|S s|A a2|U u3",
     .out = "U u1|A a1|U u2|S s|A a2|U u3",
     .flags = TURNS_MID_SYSTEM},
    {.name = "a system text after the assistant may not stay",
     .in = "U a|A b|S s|A c",
     .out = "U a|A b|U <system>s</system>|A c",
     .flags = TURNS_MID_SYSTEM},
    {.name = "nor one among the user's words",
     .in = "U a|S s|S t|U b",
     .out = "U a <system>s</system> <system>t</system> b",
     .flags = TURNS_MID_SYSTEM},
    {.name = "nor one between call and result",
     .in = "U q|A !c|S s|U =c",
     .out = "U q|A !c|U =c <system>s</system>",
     .flags = TURNS_MID_SYSTEM},
    {.name = "nor one that lost the user's turn before it",
     .in = "U q|A a|U =x|S s|A b",
     .out = "U q|A a|U <system>s</system>|A b",
     .flags = TURNS_MID_SYSTEM,
     .dropped = "messages[].tool_call_id"},
    {.name = "one that is last stays",
     .in = "U a|S s",
     .out = "U a|S s",
     .flags = TURNS_MID_SYSTEM},
    {.name = "a user's turn is put first",
     .in = "A hello|U x",
     .out = "U .|A hello|U x",
     .flags = TURNS_USER_FIRST},
    {.name = "system texts alone get a user's turn",
     .in = "S a",
     .out = "L a|U .",
     .flags = TURNS_USER_FIRST},
    {.name = "a user's turn is put last",
     .in = "U a|A b",
     .out = "U a|A b|U Continue.",
     .flags = TURNS_USER_LAST | TURNS_USER_FIRST},
};

START_TEST(turns_are_as_the_strict_dialects_want_them)
{
    struct buffer out _buffer_;
    struct chat chat = {.dialect = DIALECT_openai};
    struct turns turns;

    buffer_init(&out, 10000);
    read_notation(rows[_i].in, &chat);
    turns_make(&translation, &chat, rows[_i].flags, NULL, &turns);
    note_turns(&out, &turns);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(rows[_i].out)), "%s: %.*s",
                  rows[_i].name, SPAN_ARG(buffer_span(&out)));
    ck_assert_msg(span_eq(dropped_list(&translation, 1000), span_of_text(rows[_i].dropped)),
                  "%s: dropped", rows[_i].name);
}

END_TEST

static bool no_reasoning(struct translation *t, const struct block *block)
{
    if (block->kind != BLOCK_reasoning)
        return true;
    drop(t, SPAN("reasoning"));
    return false;
}

START_TEST(what_the_target_cannot_say_leaves_no_empty_turn)
{
    struct buffer out _buffer_;
    struct chat chat = {.dialect = DIALECT_openai};
    struct turns turns;

    buffer_init(&out, 10000);
    read_notation("U a|A ?|U b", &chat);
    chat.messages->next->blocks->text = TEXT("hm");
    turns_make(&translation, &chat, 0, no_reasoning, &turns);
    note_turns(&out, &turns);
    ck_assert(span_eq(buffer_span(&out), SPAN("U a b")));
    ck_assert(span_eq(dropped_list(&translation, 1000), SPAN("reasoning")));
}

END_TEST

START_TEST(a_block_has_a_place_in_the_clients_words)
{
    static const struct {
        uint8_t dialect;
        const char *place;
    } cases[] = {
        {DIALECT_openai, "messages[2].tool_calls[0]"},
        {DIALECT_responses, "input[2].content[1]"},
        {DIALECT_anthropic, "messages[1].content[1]"},
        {DIALECT_gemini, "contents[1].parts[1]"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct chat chat = {.dialect = cases[i].dialect};
        const struct block *block;

        read_notation("S s|U a|A b !c", &chat);
        block = chat.last_message->last;
        ck_assert_ptr_eq(turns_find_call(&chat, TEXT("c")), block);
        ck_assert(span_eq(turns_place(&chat, block, &arena), span_of_text(cases[i].place)));
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *tc = tcase_create("turns");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, turns_are_as_the_strict_dialects_want_them, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_test(tc, what_the_target_cannot_say_leaves_no_empty_turn);
    tcase_add_test(tc, a_block_has_a_place_in_the_clients_words);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
