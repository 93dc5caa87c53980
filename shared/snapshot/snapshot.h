/* shared/snapshot/snapshot.h
 *
 * Everything a worker must know, frozen: settings, listeners, providers with their credentials,
 * models, keys.  Written by the controller into a sealed memfd, passed by descriptor, mapped
 * read-only by each worker (never dumped into a core).  Flat: offsets from the start, fixed
 * widths, no pointer; names are not NUL-terminated but certificate file names are (see
 * snapshot_text).  Attaching checks magic, version, size and every offset, so that what follows
 * need not.
 *
 * Lifetime: a worker holds one reference for itself and one per exchange that began with it;
 * the last unref unmaps.  Writer: shared/snapshot/snapshot_build.h.
 */
#ifndef SHARED_SNAPSHOT_SNAPSHOT_H
#define SHARED_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/dialect_id.h"
#include "shared/base/net.h"
#include "shared/base/secret.h"
#include "shared/base/span.h"
#include "shared/health/health_rules.h"
#include "shared/limit/limit.h"
#include "shared/price/price.h"
#include "shared/settings/capability.h"
#include "shared/settings/condition.h"
#include "shared/settings/priority.h"
#include "shared/settings/quirk.h"
#include "shared/settings/signer.h"
#include "shared/settings/strategy.h"

#define SNAPSHOT_MAGIC   0x61696777736e6170ULL
#define SNAPSHOT_VERSION 13

#define SNAPSHOT_LISTENERS_MAX    16
#define SNAPSHOT_CERTIFICATES_MAX 16  /* per listener */
#define SNAPSHOT_TARGETS_MAX      128 /* per model */
#define SNAPSHOT_CREDENTIALS_MAX  16  /* per provider */
#define SNAPSHOT_NONE             UINT32_MAX
#define SNAPSHOT_BUCKETS          65536 /* rows of the segment that may be named */
#define SNAPSHOT_YIELDS           4096
#define SNAPSHOT_CREDENTIAL_ROWS  4096
#define SNAPSHOT_STARTS           1024
#define SNAPSHOT_QUEUES           512
#define SNAPSHOT_WEIGHT_MAX       1000

/* A run of bytes in the snapshot; offset 0 means "not there".  A NUL follows that does not
 * count. */
struct snapshot_text {
    uint32_t offset, len;
};

struct snapshot_table {
    uint32_t offset, count;
};

/* Values of settings that the data path reads. Times in milliseconds, sizes in bytes. */
struct snapshot_limits {
    uint64_t body_bytes;   /* request body */
    uint64_t event_bytes;  /* one stream record from a provider */
    uint32_t head_bytes;   /* request or answer head */
    uint32_t target_bytes; /* request target */
    uint32_t header_count;
    uint32_t exchanges_per_worker;     /* in flight; more get 503 */
    uint32_t connections_per_worker;   /* clients; more wait in the kernel's queue */
    uint32_t stream_buffer_bytes;      /* per stream towards a slow client, user memory */
    uint32_t client_send_buffer_bytes; /* kernel's; 0: its default */
    uint32_t idle_upstream_per_target; /* kept connections per worker and provider */
    uint64_t body_memory_bytes;        /* all request bodies of one worker together */
    uint64_t stored_response_bytes;    /* of one; 0: none are kept */
};

struct snapshot_times {
    uint32_t client_head_ms, client_body_ms, client_idle_ms, client_send_ms;
    uint32_t client_rate; /* bytes a second beyond client_body_ms and client_send_ms; 0: any */
    uint32_t connect_ms, head_ms, first_event_ms, idle_ms, total_ms; /* defaults of providers */
    uint32_t upstream_idle_ms; /* a kept connection is closed after */
    uint32_t dns_stale_ms;
    uint32_t drain_delay_ms, drain_ms;
};

/* How often a request is sent; shared/settings/settings.def says what the members mean. */
struct snapshot_attempts {
    uint32_t most, per_target, backoff_ms, backoff_most_ms, budget_percent;
    uint32_t precommit_ms, precommit_events; /* a stream is held for; 0: it is not */
};

/* Requests for which a provider account has no place. */
struct snapshot_queue {
    uint32_t waiting; /* at one account, over all workers; 0: none waits */
    uint32_t wait_ms; /* at most */
};

/* Files that a request names by their address. */
struct snapshot_media {
    uint64_t file_bytes, request_bytes;
    uint32_t files, parallel, timeout_ms;
    uint8_t fetch, http;
    uint8_t reserved[2];
    struct snapshot_table allow; /* of struct net */
    struct snapshot_text ca_file;
};

/* Which answers of a model are given again, and how long. */
struct snapshot_cache_rules {
    uint64_t ttl_ms; /* 0: only where the request asks */
    uint8_t sampled, tools, choices, single_flight;
    uint8_t fallbacks; /* their answers too, under the name that was asked for */
    uint8_t reserved[3];
};

struct snapshot_cache {
    struct snapshot_cache_rules rules; /* of models that are not in the settings */
    uint64_t ttl_max_ms;
    uint32_t answer_bytes; /* of one */
    uint32_t distinguish;  /* cache_member_bit: these count */
    uint32_t wait_ms;      /* for the answer to an equal request, at most */
    uint32_t reserved;
    struct snapshot_text redis, secret; /* where answers are shared; not there: nowhere */
};

struct snapshot_certificate {
    struct snapshot_text certificate_file, key_file;
};

struct snapshot_listener {        /* index = index of the listening socket in the heritage */
    struct snapshot_text address; /* as in the settings, for logs */
    struct snapshot_table certificates; /* count 0: plain HTTP */
    struct snapshot_text client_ca_file;
    uint32_t client_certificate_needed;
};

/* One dialect of a provider; what follows the path is in shared/snapshot/address.h. */
struct snapshot_face {
    struct snapshot_text path; /* "/v1": no slash at the end, may be empty */
    uint8_t signer;            /* enum signer */
    uint8_t answers;           /* there is such an API at all */
    uint8_t chats;             /* clients of this dialect are served without a translation */
    uint8_t deployments;       /* Azure's dated form: the model stands in the path */
};

/* Of a credential that was fetched: with it a new controller goes on where the one before died.
 * Workers have no use for it. */
struct snapshot_token {
    uint8_t place[32], client[32]; /* digests: where it is good, who asked for it */
    int64_t until_ms;              /* wall; 0: the credential is no token */
};

struct snapshot_credential {
    struct snapshot_text value, name; /* name: for people, else its number from 1 on */
    uint32_t row;                     /* in the segment */
    uint32_t weight;                  /* 1 or more */
};

struct snapshot_provider {
    struct snapshot_text name;
    struct snapshot_text kind;      /* row of providers.def */
    struct snapshot_text host;      /* without brackets; for unix sockets the path */
    struct snapshot_text authority; /* Host header: host or host:port */
    struct snapshot_text base_path; /* of the preferred dialect, for people */
    struct snapshot_face faces[DIALECT_COUNT];
    struct snapshot_text api_version;  /* a query of each call; not there: none */
    struct snapshot_text credential;   /* the first */
    struct snapshot_table credentials; /* of struct snapshot_credential, it among them */
    struct snapshot_text ca_file;
    struct snapshot_text proxy_host; /* HTTP CONNECT proxy */
    uint16_t port, proxy_port;
    struct snapshot_token token;
    uint8_t tls, verify, mock;
    uint8_t waiting; /* for its first token: it can answer nothing yet */
    uint8_t dialect; /* enum dialect_id, the preferred: what others are translated into */
    uint32_t quirks; /* enum quirk */
    uint32_t connect_ms, head_ms, first_event_ms, idle_ms;
    uint32_t health_row;           /* in the segment */
    struct health_rules health;    /* complete: its own and those of all */
    uint32_t scope;                /* 1 + index; 0: no limits */
    struct snapshot_table headers; /* of struct snapshot_header: added to each call */
};

struct snapshot_header {
    struct snapshot_text name, value;
};

/* One rate, or one bound of concurrent requests. */
struct snapshot_limit {
    uint64_t amount;    /* of the unit; 0: nothing is let in */
    uint64_t burst;     /* token_bucket: of the unit; amount when the settings have none */
    uint64_t window_ms; /* concurrent: 0 */
    uint32_t bucket;    /* in the segment */
    uint8_t unit, algorithm, mode; /* limit.h's enums; never LIMIT_MODE_off */
    uint8_t reserved;
    uint32_t queue; /* 1 + row of the segment: requests wait for a place; 0: they do not */
    struct snapshot_text name; /* for people: "600 requests a minute" */
};

struct snapshot_budget {
    uint64_t amount_nano, soft_nano; /* nanodollars; soft 0: no warning */
    /* Exchanges that begin before ENDS_MS (wall) count in buckets[0], later ones in
     * buckets[1]; INT64_MAX: there is no end. */
    int64_t ends_ms;
    uint32_t buckets[2];
    uint8_t mode;
    uint8_t strict; /* reserves what the model could say at most, not what it usually does */
    uint8_t cuts;   /* a stream ends where the money does */
    uint8_t rolls;  /* while `granted` says what may be spent, it alone does */
    uint8_t reserved[4];
    struct snapshot_text name;
};

/* Someone or something with limits. */
struct snapshot_scope {
    uint32_t kind; /* enum limit_scope */
    uint32_t reserved;
    struct snapshot_text subject;          /* name of a tag, model or provider; id of others */
    struct snapshot_table limits, budgets; /* at most LIMITS_PER_SCOPE, BUDGETS_PER_SCOPE */
};

/* A tag with limits, found by its name. */
struct snapshot_tag {
    struct snapshot_text name;
    uint32_t scope; /* index */
    uint32_t reserved;
};

/* What a model costs at one provider; shared/price/price.h reads the sheets. */
struct snapshot_price {
    struct snapshot_text version; /* of the catalogue or of who set it, for people */
    struct snapshot_table sheets; /* of struct price_sheet, at least one */
};

/* From FROM_MS (wall) on, that is added to UTC. */
struct snapshot_shift {
    int64_t from_ms;
    int32_t offset_seconds;
    uint32_t reserved;
};

/* One term of what a target asks of a request; shared/route/condition.h tests it. */
struct snapshot_condition {
    uint8_t kind;        /* enum condition */
    uint8_t alternative; /* it is enough that this or the next one holds */
    uint8_t prefix;      /* of header: the value begins with TEXT */
    uint8_t days;        /* of time: on which it begins, bit 0 is Monday */
    uint32_t header;     /* index of the page's route_headers */
    /* tenant, team, user: LOW is the id, UINT64_MAX nobody's; features, without: LOW has the
     * bits; input: tokens from LOW to HIGH; time: minutes from LOW to before HIGH. */
    uint64_t low, high;
    struct snapshot_text text;    /* of key, tag, header */
    struct snapshot_table shifts; /* of time: struct snapshot_shift, at least one, by time */
};

struct snapshot_target {
    uint32_t provider;               /* index */
    struct snapshot_text model;      /* name at the provider */
    struct snapshot_text model_json; /* the same as a JSON string with quotes */
    uint32_t weight;
    uint32_t priority;                /* lower is tried first */
    uint32_t price;                   /* 1 + index; 0: nobody knows it */
    uint32_t yield;                   /* 1 + row of the segment; 0: it is not measured */
    uint32_t scope;                   /* 1 + index; 0: no limits of its own */
    uint32_t context, output;         /* tokens, of the catalogue; 0: not known */
    uint32_t capabilities;            /* enum capability; with CONTEXT 0: not known */
    struct snapshot_table conditions; /* of struct snapshot_condition; count 0: always */
    /* What follows of its provider and its weight: who chooses among a hundred targets reads
     * only these rows. By snapshot_build_seal. */
    uint32_t health_row, waiting;
    uint64_t name_hash; /* hash_fast of the provider's name */
    uint64_t inverse;   /* 2^64 / weight, rounded up; 0: the weight is 0 or 1 */
};

/* When a second attempt is made beside one that does not begin to answer. */
struct snapshot_hedge {
    uint32_t starts;   /* 1 + row of the segment; 0: never */
    uint32_t after_ms; /* 0: what PERCENTILE of the answers needed to begin */
    uint32_t percentile;
    uint32_t budget_percent; /* of the model's requests */
    uint32_t same_account;   /* also to the account that is waited for */
};

struct snapshot_model {
    struct snapshot_text name;
    struct snapshot_table targets; /* of struct snapshot_target, in the order of the settings */
    int64_t created;               /* seconds, for GET /v1/models */
    struct snapshot_text owner;    /* "owned_by" */
    uint32_t total_ms;
    uint32_t listed; /* shown by GET /v1/models */
    uint32_t strict; /* what a translation cannot carry is refused */
    /* Of the catalogue, what all its targets have; 0: not known of each. */
    uint32_t context, output; /* tokens */
    uint32_t capabilities;    /* enum capability */
    uint32_t scope;           /* 1 + index; 0: no limits */
    struct snapshot_cache_rules cache;
    uint32_t automatic;  /* its targets came from the catalogue: what they can do decides */
    uint32_t strategy;   /* enum route_strategy */
    uint32_t conditions; /* bit of each enum condition that its targets ask */
    struct snapshot_table fallbacks[ROUTE_FALLBACK_COUNT]; /* of struct snapshot_text: names */
    struct snapshot_hedge hedge;
};

enum key_flag {
    KEY_DISABLED = 1,
    KEY_REVOKED = 2
};

#define KEY_ID_SIZE 12 /* base62 digits of the public id */

struct snapshot_key {
    char id[KEY_ID_SIZE];
    uint32_t flags;
    uint8_t secret_hash[32];     /* SHA-256 of the secret part */
    uint8_t previous_hash[32];   /* after a rotation */
    int64_t previous_until_ms;   /* wall; 0: none */
    int64_t expires_ms;          /* wall; 0: never */
    uint64_t tenant, team, user; /* store ids; 0: none */
    uint32_t weight;             /* of its tenant, else its own, where requests wait; 0: 1 */
    uint32_t priority;           /* there: 1 + enum priority; 0: normal */
    struct snapshot_text name;
    struct snapshot_table
        models; /* of struct snapshot_text: allowed names; count 0 with models_any */
    uint32_t models_any;
    uint32_t scopes[4]; /* of tenant, team, user and key, in this order: 1 + index; 0: none */
};

struct snapshot_header_page { /* at offset 0 */
    uint64_t magic;
    uint32_t version, header_size;
    uint64_t size, generation;
    int64_t made_ms;
    struct snapshot_limits limits;
    struct snapshot_times times;
    struct snapshot_attempts attempts;
    struct snapshot_queue queue;
    struct snapshot_media media;
    struct snapshot_cache cache;
    uint32_t log_level, log_form;
    struct snapshot_text access_log; /* file, "stderr", or not there: off */
    struct snapshot_text host_name;
    struct snapshot_text state_dir;
    struct snapshot_table listeners, providers, models, keys;
    /* Open-addressing indexes of uint32 (SNAPSHOT_NONE: empty), count a power of two. */
    struct snapshot_table key_index, model_index;
    struct snapshot_table scopes, prices, tags, tag_index;
    /* Of struct snapshot_text, at most CONDITION_HEADERS_MAX: headers that conditions ask. */
    struct snapshot_table route_headers;
    uint32_t conditions; /* of all models together */
    uint32_t reserved;
};

struct snapshot;

/* Maps the descriptor (which stays the caller's).  NULL with one sentence in *reterr. */
struct snapshot *snapshot_attach(int fd, struct buffer *reterr);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);

const struct snapshot_header_page *snapshot_page(const struct snapshot *snapshot);
struct span snapshot_span(const struct snapshot *snapshot, struct snapshot_text text);
/* NUL-terminated, or NULL when not there. */
const char *snapshot_string(const struct snapshot *snapshot, struct snapshot_text text);
/* Row INDEX of a table; the macro names its type. */
const void *snapshot_row(const struct snapshot *snapshot, struct snapshot_table table,
                         uint32_t index, uint32_t row_size);
#define SNAPSHOT_ROW(snapshot, table, index, type) \
    ((const struct type *)snapshot_row((snapshot), (table), (index), sizeof(struct type)))

/* By public id (KEY_ID_SIZE bytes); NULL when there is none. */
const struct snapshot_key *snapshot_find_key(const struct snapshot *snapshot, struct span id);
/* By the name a client asks for: a configured model, `provider/model` of a catalogue, or a bare
 * name that exactly one provider's catalogue has (all of them are rows, made by the
 * controller).  NULL: none. */
const struct snapshot_model *snapshot_find_model(const struct snapshot *snapshot,
                                                 struct span name);
/* By their number, 1 + index; NULL for 0. */
const struct snapshot_scope *snapshot_scope(const struct snapshot *snapshot, uint32_t number);
const struct snapshot_price *snapshot_price(const struct snapshot *snapshot, uint32_t number);
/* Where requests wait for a place at PROVIDER: 1 + row of the segment; 0: nowhere. */
uint32_t snapshot_queue(const struct snapshot *snapshot,
                        const struct snapshot_provider *provider);
/* The limits of a tag; NULL: it has none. */
const struct snapshot_scope *snapshot_find_tag(const struct snapshot *snapshot,
                                               struct span tag);
/* The provider of that name, for `provider/anything` of providers without a fixed catalogue. */
const struct snapshot_provider *snapshot_find_provider(const struct snapshot *snapshot,
                                                       struct span name, uint32_t *ret_index);

#endif
