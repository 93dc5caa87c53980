/* worker/translate/hosted.h
 *
 * Tools that the provider runs itself: a search of the web, code in a sandbox, the reading of
 * pages. Which dialect has which, and what their settings are called, is a table (hosted.def);
 * what they did in an answer is a block of its own (BLOCK_hosted), whole: its call and what
 * came of it. All of it lives in the translation's arena.
 */
#ifndef WORKER_TRANSLATE_HOSTED_H
#define WORKER_TRANSLATE_HOSTED_H

#include "worker/translate/chat.h"
#include "worker/translate/members.h"

/* ---- what was asked for ---------------------------------------------------------------- */

enum hosted_setting {
    HOSTED_allowed,   /* hosts, a list of strings */
    HOSTED_blocked,   /* the same */
    HOSTED_most,      /* how often in one answer, a number */
    HOSTED_place,     /* where the user is: country, region, city, timezone */
    HOSTED_extent,    /* "low", "medium", "high" */
    HOSTED_container, /* where code runs */
    HOSTED_SETTING_COUNT
};

struct hosted {
    uint8_t kind;      /* enum hosted_kind */
    struct span place; /* in the client's words: "tools[2]" */
    struct json_value settings[HOSTED_SETTING_COUNT];
    struct extra *others; /* members that only its own dialect has; keys with their paths */
};

/* The kind of a tool that DIALECT calls NAME: of any version. */
enum hosted_kind hosted_kind_of(enum dialect_id dialect, struct text name);
/* OBJECT is the tool's, at PATH, of the dialect of TOOL's origin. */
void hosted_read(struct translation *t, const struct path *path, enum hosted_kind kind,
                 struct json_value object, struct tool *tool);

/* Whether TO has what TOOL is, and TOOL is the first of its kind: then it is written. A tool of
 * TO's own is always. */
bool hosted_is_written(const struct chat *chat, const struct tool *tool, enum dialect_id to);
/* The tool of the client's that NAME chooses and that is not a function, or NULL. */
const struct tool *hosted_find(const struct chat *chat, struct text name);
/* Whether the choice is of a hosted tool that TO is not given. */
bool hosted_is_choice_lost(const struct chat *chat, enum dialect_id to);
/* What TO calls a tool of KIND. */
struct span hosted_name(enum hosted_kind kind, enum dialect_id to);
/* The members of TOOL's object that are its settings; what TO lacks is named as dropped. */
void hosted_write_settings(struct translation *t, const struct tool *tool, enum dialect_id to,
                           struct json_writer *json);
/* Names TOOL as dropped. */
void hosted_drop(struct translation *t, const struct tool *tool);
/* Whether the client asked for a tool of KIND. */
bool hosted_is_asked(const struct chat *chat, enum hosted_kind kind);

/* ---- what they did --------------------------------------------------------------------- */

struct source {
    struct source *next;
    struct text url, title, age;
};

struct act {
    uint8_t kind;       /* enum hosted_kind, not HOSTED_none */
    bool failed;        /* what came of it is an error */
    bool shell;         /* code: for a shell, not Python */
    struct text id;     /* its maker's, or TEXT_NONE */
    struct text input;  /* what was searched for, the code, the page's address */
    struct text output; /* code: what it printed; failed: why. TEXT_NONE: nothing is known */
    struct source *sources, *last_source; /* pages that were found or read */
    struct json_value call, result;       /* as its maker said them; RESULT may be absent */
};

struct act *act_new(enum hosted_kind kind, struct arena *arena);
struct source *act_add_source(struct act *act, struct arena *arena);
/* More of what the code printed. */
void act_add_output(struct act *act, struct text output, struct arena *arena);
/* With texts of its own, in ARENA; without CALL and RESULT. */
struct act *act_copy(const struct act *act, struct arena *arena);
/* ACT in words, for those who have no other form: code in fences and what it printed.
 * TEXT_NONE: a search and a page read have none. */
struct text act_words(const struct act *act, struct arena *arena);

#endif
