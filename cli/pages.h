/* cli/pages.h
 *
 * Texts that are made from commands.def and options.def: help, completion, the man page.
 */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "cli/command.h"

/* Help on all, or on one noun (ptr NULL: all). */
void page_help(struct span noun, struct buffer *out);
void page_bash(struct buffer *out);
void page_zsh(struct buffer *out);
/* roff, section 1 */
void page_man(struct buffer *out);

/* "-o, --output FORM" and "keys rotate ID" */
void page_option_form(enum option option, struct buffer *out);
void page_command_form(const struct command *command, struct buffer *out);

#endif
