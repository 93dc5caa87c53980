/* cli/body.h
 *
 * What several commands do: bodies from options, one row asked for and shown.
 */
#ifndef CLI_BODY_H
#define CLI_BODY_H

#include "shared/text/json_write.h"

#include "cli/link.h"
#include "cli/table.h"

/* Bodies and tables of one command. */
#define BODY_BYTES (1U << 20)
#define PAGE_BYTES (64U << 20)

/* "a,b" as a JSON array under KEY; nothing when the option is not given. */
void body_list(struct json_writer *writer, struct span key, struct span list);
/* Text member, when the option is given. */
void body_option(struct json_writer *writer, const struct invocation *invocation,
                 enum option option, struct span key);
/* Asks and prints a table of the rows under MEMBER, or (NULL) one record. */
int ask_and_show(struct invocation *invocation, const char *method, struct span path,
                 struct span body, const char *member, const struct column *columns,
                 unsigned count);

#endif
