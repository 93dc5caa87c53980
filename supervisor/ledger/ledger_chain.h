/* supervisor/ledger/ledger_chain.h
 *
 * The rows of a host and a month (of their start, UTC) are a chain: numbered from 1 without a
 * gap, and the hash of each is SHA-256 over the hash before it, its number and what is in it.
 * The table usage_chains has the last number and hash of each chain, and where what retention
 * took away ended, from which a walk can begin.  A chain is written by one transaction at a
 * time: the head is only moved on from where it was read.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_CHAIN_H
#define SUPERVISOR_LEDGER_LEDGER_CHAIN_H

#include "shared/base/arena.h"
#include "shared/base/hash.h"
#include "shared/journal/record.h"

#include "supervisor/store/store.h"

#define CHAIN_HASH_TEXT (2 * SHA256_SIZE)

struct chain {
    int64_t id; /* made of host and month */
    int64_t month;
    struct span host;
    int64_t seq_before, seq;
    uint8_t hash[SHA256_SIZE];
};

struct chains {
    struct arena *arena;
    struct store *store;
    struct chain **rows;
    uint32_t count, room;
    struct chain *last;  /* that was asked for */
    struct buffer bytes; /* what is hashed */
};

void chains_init(struct chains *chains, struct arena *arena, struct store *store);
void chains_done(struct chains *chains);

/* The chain of a record of HOST at STARTED_MS, as the table has it; NULL with a negative errno
 * in *RET_ERROR.  In the caller's transaction. */
struct chain *chains_find(struct chains *chains, struct span host, int64_t started_ms,
                          int *ret_error);
/* Moves the heads of all chains on.  0, -EAGAIN when another one did it meanwhile, or a
 * negative errno. */
int chains_put(struct chains *chains);

/* The hash of row SEQ, VALUES as record.def has the columns: HASH is the one before it and
 * becomes its own.  BYTES is room to work in. */
void chain_hash(uint8_t hash[SHA256_SIZE], int64_t seq, const struct store_value *values,
                struct buffer *bytes);
#define CHAIN_ROW_BYTES ((size_t)1 << 20)
/* The hash before row 1, and the chain's id. */
void chain_begin(struct span host, int64_t month, uint8_t ret[SHA256_SIZE]);
int64_t chain_id(const uint8_t begin[SHA256_SIZE]);

#endif
