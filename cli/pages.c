/* aigwctl completion, man: texts for shells and man, from the tables. */
#include "config.h"

#include "cli/body.h"
#include "cli/pages.h"

/* Whether row INDEX is the first one of its noun. */
static bool first_of_noun(unsigned index)
{
    return index == 0 || strcmp(commands[index].noun, commands[index - 1].noun) != 0;
}

static void noun_words(struct buffer *out)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (first_of_noun(i))
            (void)buffer_append_format(out, "%s%s", i ? " " : "", commands[i].noun);
    }
}

static void option_words(uint64_t options, struct buffer *out)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (options & (UINT64_C(1) << i))
            (void)buffer_append_format(out, " --%s", option_rows[i].name);
    }
}

/* The first word of a verb: "keys" of "keys list". */
static struct span first_word(const char *verb)
{
    struct span rest = span_of_text(verb), word = SPAN("");

    (void)span_cut(&rest, ' ', &word);
    return word;
}

static bool has_two_words(const struct command *command)
{
    return first_word(command->verb).len < strlen(command->verb);
}

/* Whether row INDEX is the first one of its noun with the first word of its verb. */
static bool first_of_word(unsigned index)
{
    return first_of_noun(index) ||
           !span_eq(first_word(commands[index].verb), first_word(commands[index - 1].verb));
}

/* "noun) words="verb verb" ;;" for each noun with verbs. */
static void verb_cases(struct buffer *out)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (!commands[i].verb[0])
            continue;
        if (first_of_noun(i))
            (void)buffer_append_format(out, "    %s) words=\"", commands[i].noun);
        if (first_of_word(i)) {
            (void)buffer_append(out, first_of_noun(i) ? SPAN("") : SPAN(" "));
            (void)buffer_append(out, first_word(commands[i].verb));
        }
        if (i + 1 == command_count || first_of_noun(i + 1))
            (void)buffer_append(out, SPAN("\" ;;\n"));
    }
    (void)buffer_append(out, SPAN("    completion) words=\"bash zsh\" ;;\n"));
}

/* The cases of "noun word" for verbs of two words: `words` becomes the second ones. */
static void second_cases(struct buffer *out)
{
    for (unsigned i = 0; i < command_count; i++) {
        struct span first = first_word(commands[i].verb);

        if (!has_two_words(&commands[i]))
            continue;
        if (first_of_word(i))
            (void)buffer_append_format(out, "    \"%s %.*s\") words=\"", commands[i].noun,
                                       SPAN_ARG(first));
        (void)buffer_append(out, first_of_word(i) ? SPAN("") : SPAN(" "));
        (void)buffer_append(out, span_of_text(commands[i].verb + first.len + 1));
        if (i + 1 == command_count || first_of_word(i + 1))
            (void)buffer_append(out, SPAN("\" ;;\n"));
    }
}

/* The patterns of a case: "noun word" that a second word follows. */
static void second_patterns(struct buffer *out)
{
    const char *before = "";

    for (unsigned i = 0; i < command_count; i++) {
        struct span first = first_word(commands[i].verb);

        if (!has_two_words(&commands[i]) || !first_of_word(i))
            continue;
        (void)buffer_append_format(out, "%s\"%s %.*s\"", before, commands[i].noun,
                                   SPAN_ARG(first));
        before = " | ";
    }
}

static void option_cases(struct buffer *out)
{
    for (unsigned i = 0; i < command_count; i++) {
        if (!commands[i].options)
            continue;
        (void)buffer_append_format(out, "    \"%s %s\") words=\"$words", commands[i].noun,
                                   commands[i].verb);
        option_words(commands[i].options, out);
        (void)buffer_append(out, SPAN("\" ;;\n"));
    }
}

/* The part that both shells understand: sets `words` from `noun`, `verb` and `current`. */
static void shell_choice(struct buffer *out)
{
    (void)buffer_append(out, SPAN("    words=\"\"\n    case \"$current\" in\n    -*)\n"
                                  "    words=\""));
    option_words(OPTIONS_GLOBAL, out);
    (void)buffer_append(out, SPAN("\"\n    case \"$noun $verb\" in\n"));
    option_cases(out);
    (void)buffer_append(out, SPAN("    esac\n    ;;\n    *)\n    case \"$noun\" in\n"
                                  "    '') words=\""));
    noun_words(out);
    (void)buffer_append(out, SPAN("\" ;;\n"));
    verb_cases(out);
    (void)buffer_append(out, SPAN("    esac\n    [ -z \"$verb\" ] || words=\"\"\n"
                                  "    case \"$noun $verb\" in\n"));
    second_cases(out);
    (void)buffer_append(out, SPAN("    esac\n    ;;\n    esac\n"));
}

/* The part of both that takes a plain word (WORD, in the shell's own writing). */
static void shell_word(const char *word, struct buffer *out)
{
    (void)buffer_append_format(out,
                               "        *) if [ -z \"$noun\" ]; then noun=%s; "
                               "elif [ -z \"$verb\" ]; then verb=%s; "
                               "else case \"$noun $verb\" in ",
                               word, word);
    second_patterns(out);
    (void)buffer_append_format(out, ") verb=\"$verb %s\" ;; esac; fi ;;\n", word);
}

void page_bash(struct buffer *out)
{
    (void)buffer_append(
        out,
        SPAN("# bash completion for aigwctl\n"
             "_aigwctl()\n{\n"
             "    local current=\"${COMP_WORDS[COMP_CWORD]}\" noun=\"\" verb=\"\" words at\n"
             "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
             "        case \"${COMP_WORDS[at]}\" in\n"
             "        -c | -o | --config | --server | --token-file | --output | --timeout)"
             " ((at++)) ;;\n"
             "        -*) ;;\n"));
    shell_word("${COMP_WORDS[at]}", out);
    (void)buffer_append(out, SPAN("        esac\n    done\n"));
    shell_choice(out);
    (void)buffer_append(
        out, SPAN("    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                  "}\ncomplete -o default -F _aigwctl aigwctl\n"));
}

void page_zsh(struct buffer *out)
{
    (void)buffer_append(
        out, SPAN("#compdef aigwctl\n"
                  "_aigwctl()\n{\n"
                  "    local current=\"${words[CURRENT]}\" noun=\"\" verb=\"\" at\n"
                  "    local -a given; given=(\"${words[@]}\")\n"
                  "    for ((at = 2; at < CURRENT; at++)); do\n"
                  "        case \"${given[at]}\" in\n"
                  "        -c | -o | --config | --server | --token-file | --output | --timeout)"
                  " ((at++)) ;;\n"
                  "        -*) ;;\n"));
    shell_word("${given[at]}", out);
    (void)buffer_append(out, SPAN("        esac\n    done\n    local words\n"));
    shell_choice(out);
    (void)buffer_append(out, SPAN("    compadd -- ${=words}\n}\n"
                                  "if [ \"$funcstack[1]\" = _aigwctl ]; then _aigwctl \"$@\"; "
                                  "else compdef _aigwctl aigwctl; fi\n"));
}

/* roff takes "-" for a hyphen and a leading "." or "'" for a request. */
static void roff(struct span text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-' || text.ptr[i] == '\\')
            (void)buffer_append_byte(out, '\\');
        (void)buffer_append_byte(out, text.ptr[i]);
    }
}

static void man_item(struct span title, const char *help, struct buffer *out)
{
    (void)buffer_append(out, SPAN(".TP\n.B "));
    roff(title, out);
    (void)buffer_append_byte(out, '\n');
    roff(span_of_text(help), out);
    (void)buffer_append_byte(out, '\n');
}

static void man_options(uint64_t options, struct buffer *out)
{
    struct buffer form;

    buffer_init(&form, 256);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(options & (UINT64_C(1) << i)))
            continue;
        buffer_clear(&form);
        page_option_form((enum option)i, &form);
        man_item(buffer_span(&form), option_rows[i].help, out);
    }
    buffer_done(&form);
}

static void man_commands(struct buffer *out)
{
    struct buffer form;

    buffer_init(&form, 256);
    for (unsigned i = 0; i < command_count; i++) {
        buffer_clear(&form);
        page_command_form(&commands[i], &form);
        man_item(buffer_span(&form), commands[i].help, out);
        if (!commands[i].options)
            continue;
        (void)buffer_append(out, SPAN(".RS\n"));
        man_options(commands[i].options, out);
        (void)buffer_append(out, SPAN(".RE\n"));
    }
    buffer_done(&form);
}

void page_man(struct buffer *out)
{
    (void)buffer_append(out,
                        SPAN(".TH AIGWCTL 1 \"\" \"aigw " AIGW_VERSION "\" \"aigw\"\n"
                             ".SH NAME\naigwctl \\- work on a running aigw gateway\n"
                             ".SH SYNOPSIS\n.B aigwctl\n[options] noun verb [arguments]\n"
                             ".SH DESCRIPTION\n"
                             "Talks to the daemon over its admin socket, which the settings "
                             "file names, or over\nHTTP(S) with a token. Standard output "
                             "holds data only; messages go to standard error.\n"
                             ".SH COMMANDS\n"));
    man_commands(out);
    (void)buffer_append(out, SPAN(".SH OPTIONS\n"));
    man_options(OPTIONS_GLOBAL, out);
    (void)buffer_append(
        out,
        SPAN(
            ".SH EXIT STATUS\n0 done, 1 failed, 2 usage, 3 not found, 4 no access, 5 conflict,\n"
            "7 the daemon is not reachable, 8 no answer in time.\n"
            ".SH ENVIRONMENT\n.TP\n.B AIGW_SERVER\nas \\-\\-server\n"
            ".TP\n.B AIGW_TOKEN\nthe admin token itself\n"
            ".SH FILES\n.TP\n.B " AIGW_CONFIG_FILE "\nthe settings, when \\-\\-config is not "
            "given and there is no aigw.yaml in the current folder\n"));
}

typedef void make_page_f(struct buffer *out);

static int print_page(make_page_f *page)
{
    struct buffer out;

    buffer_init(&out, BODY_BYTES);
    page(&out);
    print_out(buffer_span(&out));
    buffer_done(&out);
    return EXIT_OK;
}

int man_show(struct invocation *invocation)
{
    (void)invocation;
    return print_page(page_man);
}

int completion_show(struct invocation *invocation)
{
    if (span_eq(invocation->arguments[0], SPAN("bash")))
        return print_page(page_bash);
    if (span_eq(invocation->arguments[0], SPAN("zsh")))
        return print_page(page_zsh);
    return tell_error(invocation, EXIT_USAGE, SPAN("completion is for bash or zsh"));
}
