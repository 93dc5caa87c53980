/* cli/link.h
 *
 * One request to the daemon's admin API, over its Unix socket or HTTP(S) with a token: the door
 * to libcurl.  What comes back is an exit code and the JSON of the answer.
 */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "shared/base/buffer.h"
#include "shared/json_tree/json_tree.h"

#include "cli/command.h"

/* An answer is kept up to this size. */
#define LINK_ANSWER_BYTES (64U << 20)

struct link_answer {
    long status;
    struct buffer body;
    cJSON *tree;        /* NULL when the body is no JSON */
    struct buffer next; /* what its header X-Next says; empty: there is no more */
};

/* METHOD PATH (below /admin/v1) with BODY (ptr NULL: none).  EXIT_OK with *ret filled when the
 * daemon answered 2xx; else the error was told on stderr and the exit code says its kind. */
int link_ask(struct invocation *invocation, const char *method, struct span path,
             struct span body, struct link_answer *ret);
void link_answer_done(struct link_answer *answer);

/* One message on stderr: text, or a JSON line with -o json.  Returns CODE. */
int tell_error(const struct invocation *invocation, enum exit_code code, struct span message);

/* Prints the answer: its bytes with -o json, nothing with -q; else false and the caller prints
 * a table. */
bool link_printed(const struct invocation *invocation, const struct link_answer *answer);
/* DELETE of PATH, and what is said of it. Returns the exit code. */
int link_remove(struct invocation *invocation, struct span path);
/* Writes all of TEXT to stdout. */
void print_out(struct span text);

/* Appends S as one path segment (RFC 3986: what is not unreserved is percent-encoded). */
void append_segment(struct buffer *path, struct span s);

#endif
