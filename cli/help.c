/* aigwctl help, version: text for people, from the tables. */
#include "config.h"

#include "cli/body.h"
#include "cli/pages.h"

static void padded(struct buffer *out, struct span text, size_t width)
{
    (void)buffer_append(out, text);
    for (size_t i = text.len; i < width; i++)
        (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, SPAN("  "));
}

void page_option_form(enum option option, struct buffer *out)
{
    const struct option_row *row = &option_rows[option];

    if (row->letter)
        (void)buffer_append_format(out, "-%c, ", row->letter);
    (void)buffer_append_format(out, "--%s", row->name);
    if (row->value)
        (void)buffer_append_format(out, " %s", row->value);
}

void page_command_form(const struct command *command, struct buffer *out)
{
    (void)buffer_append_format(out, "%s%s%s%s%s", command->noun, command->verb[0] ? " " : "",
                               command->verb, command->arguments[0] ? " " : "",
                               command->arguments);
}

static void option_lines(uint64_t options, const char *indent, struct buffer *out)
{
    struct buffer form;

    buffer_init(&form, 256);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(options & (UINT64_C(1) << i)))
            continue;
        buffer_clear(&form);
        page_option_form((enum option)i, &form);
        (void)buffer_append(out, span_of_text(indent));
        padded(out, buffer_span(&form), 22);
        (void)buffer_append(out, span_of_text(option_rows[i].help));
        (void)buffer_append_byte(out, '\n');
    }
    buffer_done(&form);
}

/* All commands, or those of NOUN with their options; false when there is none. */
static bool command_lines(struct span noun, struct buffer *out)
{
    struct buffer form;
    bool any = false;

    buffer_init(&form, 256);
    for (unsigned i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];

        if (noun.ptr && !span_eq(noun, span_of_text(command->noun)))
            continue;
        any = true;
        buffer_clear(&form);
        page_command_form(command, &form);
        (void)buffer_append(out, SPAN("  "));
        padded(out, buffer_span(&form), 22);
        (void)buffer_append(out, span_of_text(command->help));
        (void)buffer_append_byte(out, '\n');
        if (noun.ptr)
            option_lines(command->options, "      ", out);
    }
    buffer_done(&form);
    return any;
}

void page_help(struct span noun, struct buffer *out)
{
    bool known;

    (void)buffer_append(out, SPAN("usage: aigwctl [options] NOUN VERB [arguments]\n\n"));
    known = command_lines(noun, out);
    if (!known)
        (void)command_lines(SPAN_NONE, out);
    (void)buffer_append(out, SPAN("\noptions of every command:\n"));
    option_lines(OPTIONS_GLOBAL, "  ", out);
    (void)buffer_append(
        out, SPAN("\nexit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 no access, 5 "
                  "conflict,\n            7 daemon not reachable, 8 no answer in time\n"));
}

int help_show(struct invocation *invocation)
{
    struct buffer out;
    struct span noun =
        invocation->argument_count ? invocation->arguments[0] : invocation->help_noun;

    buffer_init(&out, BODY_BYTES);
    page_help(noun, &out);
    print_out(buffer_span(&out));
    buffer_done(&out);
    return EXIT_OK;
}

int version_show(struct invocation *invocation)
{
    if (invocation->json)
        print_out(SPAN("{\"version\":\"" AIGW_VERSION "\",\"tls\":\"" AIGW_TLS "\"}\n"));
    else
        print_out(SPAN("aigwctl " AIGW_VERSION "\n"));
    return EXIT_OK;
}
