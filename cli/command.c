#include "cli/command.h"

#include "shared/base/arena.h"
#include "shared/base/check.h"
#include "shared/base/clock.h"

#define TIMEOUT_DEFAULT_MS 10000

const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(id, name, letter, value, help) [OPTION_##id] = {name, letter, value, help},
#include "cli/options.def"
#undef OPTION
};

const struct command commands[] = {
#define COMMAND(noun, verb, arguments, fewest, most, options, function, help) \
    {noun, verb, arguments, fewest, most, options, function, help},
#include "cli/commands.def"
#undef COMMAND
};

const unsigned command_count = ARRAY_LEN(commands);

_Static_assert(OPTION_COUNT <= 64, "options are bits of a uint64_t");

/* What is left of the words while they are read. */
struct words {
    int argc, at;
    char **argv;
    struct buffer *reterr;
    uint64_t given;
};

static int usage_error(struct words *words, const char *form, struct span what)
{
    (void)buffer_append(words->reterr, span_of_text(form));
    if (what.ptr) {
        (void)buffer_append(words->reterr, SPAN(": "));
        (void)buffer_append(words->reterr, what);
    }
    return EXIT_USAGE;
}

static int find_option(struct span name, char letter)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (letter ? option_rows[i].letter == letter
                   : span_eq(name, span_of_text(option_rows[i].name)))
            return i;
    }
    return -1;
}

struct span keep_text(struct span s)
{
    static struct arena kept;

    return arena_copy(&kept, s);
}

/* The value is copied, so that the bytes in argv can be overwritten. */
static struct span secret_taken(char *value)
{
    struct span copy = keep_text(span_of_text(value));

    memset(value, 'x', copy.len);
    return copy;
}

static int take_option(struct words *words, struct invocation *invocation, int option,
                       char *value)
{
    const struct option_row *row = &option_rows[option];

    words->given |= UINT64_C(1) << option;
    if (!row->value) {
        if (value)
            return usage_error(words, "takes no value", span_of_text(row->name));
        invocation->options[option] = SPAN("");
        return EXIT_OK;
    }
    if (!value) {
        if (words->at >= words->argc)
            return usage_error(words, "a value is missing after the option",
                               span_of_text(row->name));
        value = words->argv[words->at++];
    }
    if (option == OPTION_API_KEY && strcmp(value, "-") != 0)
        invocation->options[option] = secret_taken(value);
    else
        invocation->options[option] = span_of_text(value);
    return EXIT_OK;
}

static int read_option(struct words *words, struct invocation *invocation, char *word)
{
    bool is_long = word[1] == '-';
    char *equals = is_long ? strchr(word, '=') : NULL;
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    int option =
        is_long ? find_option(span_of(word + 2, len - 2), 0) : find_option(SPAN_NONE, word[1]);
    char *value = equals ? equals + 1 : NULL;

    if (option < 0)
        return usage_error(words, "unknown option", span_of(word, len));
    if (!is_long && word[2])
        value = word + 2;
    return take_option(words, invocation, option, value);
}

static bool noun_known(struct span noun)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (span_eq(noun, span_of_text(commands[i].noun)))
            return true;
    }
    return false;
}

/* How many of the COUNT plain words after the noun are VERB, all of its words; 0: not this
 * verb, also for the empty one. */
static int verb_words(struct span verb, const struct span *plain, int count)
{
    struct span word;
    int used = 0;

    while (verb.ptr && verb.len > 0) {
        (void)span_cut(&verb, ' ', &word);
        if (used == count || !span_eq(plain[used], word))
            return 0;
        used++;
    }
    return used;
}

/* The command of the plain words; *ret_used says how many of them named it. */
static const struct command *find_command(const struct span *plain, int count, int *ret_used)
{
    for (unsigned i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];

        if (!span_eq(plain[0], span_of_text(command->noun)))
            continue;
        *ret_used = 1 + verb_words(span_of_text(command->verb), plain + 1, count - 1);
        if (!command->verb[0] || *ret_used > 1)
            return command;
    }
    return NULL;
}

static int check_globals(struct words *words, struct invocation *invocation)
{
    struct span form = invocation->options[OPTION_OUTPUT];
    struct span timeout = invocation->options[OPTION_TIMEOUT];

    invocation->json = span_eq(form, SPAN("json"));
    invocation->quiet = invocation->options[OPTION_QUIET].ptr != NULL;
    if (form.ptr && !invocation->json && !span_eq(form, SPAN("table")))
        return usage_error(words, "--output is table or json, not", form);
    invocation->timeout_ms = TIMEOUT_DEFAULT_MS;
    if (timeout.ptr && (!clock_read_duration_ms(timeout, &invocation->timeout_ms) ||
                        invocation->timeout_ms == 0 || invocation->timeout_ms > 3600000))
        return usage_error(words, "--timeout is a time like 10s, not", timeout);
    return EXIT_OK;
}

static int name_command(struct words *words, struct invocation *invocation,
                        const struct span *plain, int count)
{
    const struct command *command;
    int used = 0;
    uint64_t foreign;

    if (count == 0)
        return usage_error(words, "no command; try: aigwctl help", SPAN_NONE);
    command = find_command(plain, count, &used);
    if (!command && !noun_known(plain[0]))
        return usage_error(words, "unknown command (aigwctl help lists them)", plain[0]);
    if (!command && count == 1)
        return usage_error(words, "a verb is missing (see aigwctl help) after", plain[0]);
    if (!command)
        return usage_error(words, "unknown verb (see aigwctl help)", plain[1]);
    invocation->command = command;
    if (count - used < command->fewest)
        return usage_error(words, "an argument is missing", span_of_text(command->arguments));
    if (count - used > command->most)
        return usage_error(words, "one word too many", plain[used + command->most]);
    foreign = words->given & ~(command->options | OPTIONS_GLOBAL);
    if (foreign)
        return usage_error(words, "not an option of this command",
                           span_of_text(option_rows[__builtin_ctzll(foreign)].name));
    invocation->argument_count = count - used;
    for (int i = used; i < count; i++)
        invocation->arguments[i - used] = plain[i];
    return EXIT_OK;
}

static const struct command *help_command(void)
{
    int used;
    struct span word = SPAN("help");

    return find_command(&word, 1, &used);
}

int command_read(int argc, char **argv, struct invocation *ret, struct buffer *reterr)
{
    struct words words = {.argc = argc, .at = 1, .argv = argv, .reterr = reterr};
    struct span plain[ARGUMENTS_MAX + 2];
    int count = 0, code = EXIT_OK;
    bool only_plain = false;

    memset(ret, 0, sizeof(*ret));
    while (words.at < argc && code == EXIT_OK) {
        char *word = argv[words.at++];

        if (!only_plain && strcmp(word, "--") == 0)
            only_plain = true;
        else if (!only_plain && word[0] == '-' && word[1])
            code = read_option(&words, ret, word);
        else if (count < (int)ARRAY_LEN(plain))
            plain[count++] = span_of_text(word);
        else
            code = usage_error(&words, "too many words", span_of_text(word));
    }
    if (code == EXIT_OK)
        code = check_globals(&words, ret);
    if (code != EXIT_OK)
        return code;
    if (ret->options[OPTION_HELP].ptr) {
        ret->command = help_command();
        ret->help_noun = count ? plain[0] : SPAN_NONE;
        return EXIT_OK;
    }
    return name_command(&words, ret, plain, count);
}
