/* shared/settings/settings_inside.h
 *
 * What the files of this folder share: the tree that YAML becomes, the table's rows, the list
 * of errors.  Everything lives in the arena of the settings being read.
 */
#ifndef SHARED_SETTINGS_SETTINGS_INSIDE_H
#define SHARED_SETTINGS_SETTINGS_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/settings/settings.h"

#define SETTINGS_DEPTH_MAX 16
#define SETTINGS_NODES_MAX 200000
#define SETTINGS_CHAIN_MAX 4U    /* fallbacks of fallbacks */
#define SETTINGS_NAMES_MAX 1000  /* in one mapping */
#define SETTINGS_TEXT_MAX  65536 /* one value */

enum node_kind {
    NODE_TEXT,
    NODE_LIST,
    NODE_MAPPING
};

struct node {
    enum node_kind kind;
    uint32_t line;
    uint32_t index; /* in its parent, from 0 */
    bool null;      /* a plain text that YAML reads as nothing */
    struct span key;
    uint32_t key_line;
    struct span text;
    struct node *parent, *first, *last, *next;
};

struct complaint {
    uint32_t line;
    struct span text;
};

struct reader {
    struct settings *settings;
    struct arena *arena;
    uint32_t node_count;
    uint32_t complaint_count; /* may be over the array's length */
    struct complaint complaints[SETTINGS_ERRORS_MAX];
};

enum setting_type {
    SETTING_ACCESS,
    SETTING_ADDRESS,
    SETTING_ALGORITHM,
    SETTING_AMOUNT,
    SETTING_COUNT,
    SETTING_DATE,
    SETTING_DURATION,
    SETTING_FORMAT,
    SETTING_HEADERS,
    SETTING_KIND,
    SETTING_LEVEL,
    SETTING_LIST,
    SETTING_MODE,
    SETTING_MODEL,
    SETTING_MONEY,
    SETTING_NAME,
    SETTING_NAMES,
    SETTING_PATH,
    SETTING_PERIOD,
    SETTING_PRICE,
    SETTING_PRIORITY,
    SETTING_PROBE,
    SETTING_PROXY,
    SETTING_RATE,
    SETTING_REDIS,
    SETTING_SCOPE,
    SETTING_SECRET,
    SETTING_SECTION,
    SETTING_SERVICE,
    SETTING_SIGNER,
    SETTING_SIZE,
    SETTING_SOFT,
    SETTING_STORE,
    SETTING_STRATEGY,
    SETTING_SWITCH,
    SETTING_TEXT,
    SETTING_URL,
    SETTING_URL_PATH,
    SETTING_WORKERS,
    SETTING_ZONE,
    SETTING_TYPES
};

enum setting_group {
#define GROUP(group, type, title) GROUP_##group,
#include "shared/settings/settings.def"
    SETTING_GROUPS
};

enum setting_when {
    WHEN_LIVE,
    WHEN_NEW_WORKERS
};

struct setting_row {
    const char *name, *preset, *help;
    uint64_t low, high;
    uint16_t at; /* offset in the group's struct */
    uint8_t group, type, when;
};

struct group_row {
    const char *name, *title;
    uint32_t size_bytes;
};

extern const struct setting_row setting_rows[];
extern const unsigned setting_row_count;
extern const struct group_row setting_groups[SETTING_GROUPS];
bool setting_required(const struct setting_row *row);
/* The group of a SECTION, or of a LIST's items. */
enum setting_group setting_below(const struct setting_row *row);
/* Words of LEVEL, FORMAT, SIGNER; NULL at the end. */
extern const char *const setting_levels[], *const setting_formats[], *const setting_signers[];
extern const char *const setting_services[], *const setting_strategies[];
extern const char *const setting_priorities[];
extern const char *const setting_probes[];

/* The document as a tree, or NULL with a complaint. */
struct node *yaml_tree(struct reader *reader, struct span text);

/* An error of LINE; of NODE, which is named by its path ("providers[0].name"). */
void complain(struct reader *reader, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void complain_at(struct reader *reader, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "providers[0].name" */
void node_path(const struct node *node, struct buffer *out);

/* A name that its GROUP does not have, with the nearest that it has. */
void complain_unknown(struct reader *reader, enum setting_group group, const struct node *node);
/* All of them, a line each, in the order of the file. */
void tell_complaints(struct reader *reader, const char *file, struct buffer *out);

/* NODE's text with ${VARIABLE} replaced; false after a complaint. */
bool expand_text(struct reader *reader, const struct node *node, struct span *ret_text);

/* Reads a value that is a text into MEMBER; false after a complaint. */
bool read_value(struct reader *reader, const struct setting_row *row, const struct node *node,
                void *member);
/* The row's preset into MEMBER; the table is right, so this cannot fail. */
void preset_value(const struct setting_row *row, void *member);
bool read_names(struct reader *reader, const struct setting_row *row, const struct node *node,
                struct settings_list *ret);
bool read_headers(struct reader *reader, const struct setting_row *row, const struct node *node,
                  struct settings_list *ret);

/* The secret that stands in the file PATH. */
bool read_secret_file(struct reader *reader, const struct node *node, struct span path,
                      struct span *ret_text);

/* Names that occur twice, targets of no provider. */
void check_references(struct reader *reader);
/* Weights that are forgotten, fallbacks that lead nowhere or in a circle. */
void check_routes(struct reader *reader);
/* Conditions of targets: words that are none, bounds that let nothing in. */
void check_conditions(struct reader *reader);
/* Limits and budgets as a whole, and whom they name. */
void check_rules(struct reader *reader);
/* The provider of that name in the file, or NULL. */
const struct settings_provider *provider_named(const struct settings *settings,
                                               struct span name);
/* Names that a provider may have although no entry of `providers` has them: the built-in one,
 * and those that the environment makes. */
bool made_by_itself(const struct settings *settings, struct span name);

/* Prices that cannot be, or stand twice. */
void check_prices(struct reader *reader);

/* "32MiB", "2s": the largest unit without a rest. */
void append_size(struct buffer *out, uint64_t bytes);
void append_duration(struct buffer *out, uint64_t ms);

/* Postgres and redis URLs without their password, in the arena. */
struct span mask_password(struct arena *arena, struct span url);

#endif
