/* shared/settings/settings.h
 *
 * The settings file: YAML (a subset: no aliases, tags or second document) read into plain
 * structs by the table settings.def.  Everything wrong is found in one reading, each as
 * "FILE:LINE: what".  `${VARIABLE}` stands for the environment's value in any text (`$${` is a
 * plain `${`); a secret may be `file:PATH`.  Relative paths are relative to the current folder.
 *
 * Lifetime: all texts live in the settings' arena until settings_free.  Any process may read
 * settings; the parent does not.
 */
#ifndef SHARED_SETTINGS_SETTINGS_H
#define SHARED_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/dialect_id.h"
#include "shared/base/secret.h"
#include "shared/base/span.h"
#include "shared/limit/rule.h"
#include "shared/price/price.h"
#include "shared/settings/capability.h"
#include "shared/settings/quirk.h"
#include "shared/settings/signer.h"
#include "shared/settings/strategy.h"

#define SETTINGS_PATH_MAX   4096
#define SETTINGS_FILE_MAX   (4u << 20)
#define SETTINGS_ERRORS_MAX 100 /* more are counted, not told */

/* Rows of one struct, e.g. SETTINGS_ROW(settings->providers, 0, settings_provider). */
struct settings_list {
    void *rows;
    uint32_t count;
};

#define SETTINGS_ROW(list, index, type) (&((struct type *)(list).rows)[(index)])

/* Each struct begins with the line it was read from; 0: it is not in the file.  Numbers are
 * uint64_t: bytes, milliseconds, counts, switches (0 or 1); a text that is not there has ptr
 * NULL. */
struct settings_listener_tls {
    uint32_t line;
    struct span certificate, key, client_ca;
    struct settings_list more; /* struct settings_certificate */
    uint64_t client_required;
};

struct settings_certificate {
    uint32_t line;
    struct span certificate, key;
};

struct settings_listener {
    uint32_t line;
    struct span address;              /* as written */
    struct settings_listener_tls tls; /* line 0: plain HTTP */
};

struct settings_admin {
    uint32_t line;
    struct span listen, socket;
};

struct settings_log {
    uint32_t line;
    uint64_t level, format; /* enum log_level, enum log_form */
    struct span access;     /* file or "stderr"; ptr NULL: off */
};

struct settings_limits {
    uint32_t line;
    uint64_t body, head, target, headers, event, body_memory;
    uint64_t exchanges, connections, stream_buffer, send_buffer, client_rate, idle_upstream;
};

struct settings_timeouts { /* milliseconds */
    uint32_t line;
    uint64_t client_head, client_body, client_idle, client_send;
    uint64_t connect, head, first_event, idle, total, upstream_idle, dns_stale;
    uint64_t drain_delay, drain, watchdog;
};

struct settings_responses {
    uint32_t line;
    uint64_t lifetime; /* milliseconds; 0: none are kept */
    uint64_t bytes, largest;
};

struct settings_media {
    uint32_t line;
    uint64_t fetch, http;
    uint64_t file, request, files, timeout, parallel;
    struct settings_list allow; /* struct span; each is one for net_read */
};

struct settings_usage { /* milliseconds; 0: for ever */
    uint32_t line;
    uint64_t rows, hourly, daily;
};

struct settings_secret {
    struct secret value;
    struct span shown; /* for --print-config: a reference as written, else stars */
};

struct settings_cache_rules {
    uint64_t ttl; /* milliseconds */
    uint64_t sampled, tools, choices, single_flight, fallbacks;
};

struct settings_cache {
    uint32_t line;
    uint64_t memory, entries, answer, ttl_max, wait;
    struct settings_cache_rules rules;
    uint64_t redis;
    struct settings_secret secret;
    struct settings_list distinguish; /* struct span */
};

struct settings_model_cache {
    uint32_t line; /* 0: as for all */
    struct settings_cache_rules rules;
};

struct settings_model_hedge {
    uint32_t line; /* 0: off */
    uint64_t percentile, after, budget, same_account;
};

struct settings_tls {
    uint32_t line;
    struct span ca_file;
};

struct settings_header {
    struct span name;
    struct settings_secret value;
};

struct settings_provider_timeouts { /* milliseconds; 0: as for all */
    uint32_t line;
    uint64_t connect, head, first_event, idle;
};

enum settings_probe_when {
    PROBE_DEFAULT, /* of an account: as for all; of all: down */
    PROBE_DOWN,
    PROBE_ALWAYS,
    PROBE_NEVER
};

struct settings_probe { /* of an account: 0: as for all */
    uint32_t line;
    struct span path;
    uint64_t when, interval, timeout, ok_after, bad_after;
};

struct settings_health {
    uint32_t line;
    uint64_t watch, errors, breaks, window, window_least;
    uint64_t error_share, break_share, degraded_share;
    uint64_t eject, eject_most, trial, limited, limited_most, events;
    struct settings_probe probe;
};

struct settings_provider_health { /* 0: as for all */
    uint32_t line;
    uint64_t watch, errors, breaks, eject, eject_most, limited_most;
    struct settings_probe probe;
};

struct settings_provider_paths {
    uint32_t line;
    struct span of[DIALECT_COUNT];
};

struct settings_oauth {
    uint32_t line; /* 0: the credential is no token that is fetched */
    struct span token_url, client_id, tenant, scope, ca_file;
    struct settings_secret client_secret;
};

struct settings_api_key {
    uint32_t line;
    struct settings_secret key;
    struct span name; /* not there: its number */
    uint64_t weight;
};

struct settings_provider {
    uint32_t line;
    struct span name, kind, base_url, api_version, ca_file, proxy;
    struct settings_secret api_key;
    struct settings_list api_keys; /* struct settings_api_key */
    struct settings_oauth oauth;
    uint64_t auth;                        /* 0: the kind's; else enum signer + 1 */
    struct settings_list dialects;        /* struct span; names, the preferred first */
    struct settings_provider_paths paths; /* where a dialect begins, at the base URL's host */
    uint64_t verify;
    struct settings_list headers; /* struct settings_header */
    struct settings_list models;  /* struct span */
    struct settings_provider_timeouts timeouts;
    struct settings_provider_health health;
};

struct settings_attempts {
    uint32_t line;
    uint64_t most, per_target, backoff, backoff_most, budget;
    uint64_t precommit, precommit_events;
};

struct settings_share {
    uint32_t line;
    struct span scope;
    uint64_t weight;   /* 0: not given */
    uint64_t priority; /* 1 + enum priority; 0: not given */
};

struct settings_queue {
    uint32_t line;
    uint64_t waiting, wait;
    struct settings_list shares; /* struct settings_share */
};

struct settings_when { /* lists are of struct span; rows NULL: nothing is asked */
    uint32_t line;     /* 0: always */
    struct settings_list tenants, teams, users, keys, tags, headers, features, without, days;
    uint64_t input_min, input_max; /* tokens; 0: any */
    struct span hours, zone;
};

struct settings_target {
    uint32_t line;
    struct span provider, model;
    uint64_t weight, priority;
    struct settings_when when;
};

struct settings_model_auto {
    uint32_t line;                                       /* 0: it has targets */
    struct settings_list providers, models, needs_names; /* struct span */
    uint64_t context;
    uint32_t needs; /* enum capability: what the names mean */
};

struct settings_model {
    uint32_t line;
    struct span name, owner;
    struct settings_list targets; /* struct settings_target */
    uint64_t total;
    uint64_t listed, strict;
    struct settings_model_cache cache;
    struct settings_model_hedge hedge;
    struct settings_model_auto automatic;
    uint64_t strategy;                                    /* enum route_strategy */
    struct settings_list fallbacks[ROUTE_FALLBACK_COUNT]; /* struct span: names of models */
};

struct settings_rate_limit {
    uint32_t line;
    struct rate_text text; /* rate_rule_read takes it */
};

struct settings_budget {
    uint32_t line;
    struct budget_text text; /* budget_rule_read takes it */
};

struct settings_rates { /* nanodollars, PRICE_NOT_GIVEN */
    uint32_t line;
    uint64_t of[PRICE_UNIT_COUNT];
};

struct settings_price_tier {
    uint32_t line;
    uint64_t service, above_input;
    struct settings_rates rates;
};

struct settings_price {
    uint32_t line;
    struct span provider, model;
    uint64_t from; /* wall milliseconds; 0: always */
    struct settings_rates rates;
    struct settings_list tiers; /* struct settings_price_tier */
};

struct settings {
    uint32_t line;
    struct settings_list listeners; /* struct settings_listener */
    struct settings_admin admin;
    struct span state_dir;
    struct settings_secret store; /* may hold a password */
    struct settings_secret redis; /* hidden.ptr NULL: none */
    uint64_t workers;             /* 0: auto */
    uint64_t mock, environment;
    struct settings_log log;
    struct settings_limits limits;
    struct settings_timeouts timeouts;
    struct settings_attempts attempts;
    struct settings_queue queue;
    struct settings_health health;
    struct settings_responses responses;
    struct settings_media media;
    struct settings_usage usage;
    struct settings_cache cache;
    struct settings_tls tls;
    struct settings_list providers;   /* struct settings_provider */
    struct settings_list models;      /* struct settings_model */
    struct settings_list rate_limits; /* struct settings_rate_limit */
    struct settings_list budgets;     /* struct settings_budget */
    struct settings_list prices;      /* struct settings_price */
    struct span catalogue, prices_file, prices_sha256;
    struct arena arena;
};

/* The sheets of PRICE, complete; how many. */
uint32_t settings_price_sheets(const struct settings_price *price,
                               struct price_sheet ret[PRICE_SHEETS_MAX]);

/* Reads FILE.  NULL when anything is wrong: *reterr then has a line per error, in the order of
 * the file. */
struct settings *settings_read(const char *file, struct buffer *reterr);
/* The same from memory; FILE is the name in messages. */
struct settings *settings_parse(struct span text, const char *file, struct buffer *reterr);
void settings_free(struct settings *settings);
/* Whether the certificates and authorities that they name can be read; false with a line for
 * each that cannot in *reterr. */
bool settings_files_there(const struct settings *settings, const char *file,
                          struct buffer *reterr);

/* True when a running worker cannot take the change over: a NEW_WORKERS row differs. */
bool settings_need_new_workers(const struct settings *old, const struct settings *now);

/* Settings as in force, as YAML that can be read again; secrets are stars or references. */
void settings_print(const struct settings *settings, struct buffer *out);
/* A commented file that works at once (SQLite, the built-in provider). */
void settings_print_sample(struct buffer *out);
/* docs/settings.md. */
void settings_print_reference(struct buffer *out);

/* HOST and PORT of "host:port", "[v6]:port", ":port" or "*:port" (HOST then is empty). */
bool settings_split_address(struct span address, struct span *ret_host, uint16_t *ret_port);

struct settings_url {
    bool tls;
    struct span host; /* without brackets */
    struct span authority;
    struct span path; /* without the slash at its end; may be empty */
    uint16_t port;
};

/* An http or https URL without user, query and fragment. */
bool settings_split_url(struct span url, struct settings_url *ret);

/* Kinds of providers: rows of providers.def. */
struct provider_kind {
    struct span name, variable, base_url; /* empty: none */
    uint8_t dialect;                      /* enum dialect_id, the preferred */
    uint8_t signer;                       /* enum signer */
    uint32_t quirks;                      /* enum quirk */
    bool mock;
    struct span help;
};

/* What a kind speaks. */
struct provider_face {
    struct span kind;
    uint8_t dialect, signer;
    struct span path; /* empty: the base URL's */
    bool chats;       /* false: only for what the preferred dialect has no words for */
};

/* The kind of an entry that stands for an account of the store: no provider by itself. */
#define PROVIDER_KIND_STORE SPAN("store")

/* NULL at the end. */
const struct provider_kind *provider_kind_at(unsigned index);
const struct provider_kind *provider_kind_find(struct span name);
/* The INDEXth face of KIND, the preferred dialect's first; false at the end. */
bool provider_kind_face(const struct provider_kind *kind, unsigned index,
                        struct provider_face *ret);
/* The path of a base URL of KIND that has none; DATED: with an api_version. */
struct span provider_kind_path(const struct provider_kind *kind, bool dated);

enum token_form {
    TOKEN_FORM_BODY, /* of a POST, application/x-www-form-urlencoded: RFC 6749 4.4 */
    TOKEN_FORM_QUERY
};

/* Where the tokens of a kind come from. */
struct provider_tokens {
    struct span kind, url, scope; /* empty: the settings must say; none */
    uint8_t form, signer;         /* enum token_form, enum signer */
};

#define TOKENS_TENANT SPAN("{tenant}") /* in the URL */

/* Never NULL: what is true of most when KIND has no row. */
const struct provider_tokens *provider_kind_tokens(struct span kind);

/* The kind that price lists of LiteLLM's format call PROVIDER, or NULL; *MODEL loses what its
 * name has only there. */
const struct provider_kind *provider_kind_listed(struct span provider, struct span *model);
/* A model of the first kind, for the sample. */
struct span provider_sample_model(void);
/* The word for a bit, as people and JSON have it. */
struct span capability_name(enum capability_number number);

/* The dialect of that name, or DIALECT_NONE. */
enum dialect_id dialect_named(struct span name);
struct span dialect_name(enum dialect_id dialect);

#endif
