#include "supervisor/ledger/ledger_chain.h"

#include <endian.h>
#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/calendar.h"

#define ROOM_FIRST 8

/* ---- hashes -------------------------------------------------------------------------------
 */

enum {
    COLUMNS = 0
#define USAGE_TEXT(tag, member)   +1
#define USAGE_NUMBER(tag, member) +1
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

static const uint8_t tags[COLUMNS] = {
#define USAGE_TEXT(tag, member)   tag,
#define USAGE_NUMBER(tag, member) tag,
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

/* A column that is null is left out, so that one which came later leaves old hashes as they
 * are. */
static void add_value(uint8_t tag, const struct store_value *value, struct buffer *out)
{
    char head[10] = {(char)tag};
    uint64_t number = htole64((uint64_t)value->number);
    uint32_t len = htole32((uint32_t)value->text.len);

    if (value->kind == STORE_NULL)
        return;
    if (value->kind == STORE_NUMBER) {
        head[1] = 'n';
        memcpy(head + 2, &number, sizeof(number));
        (void)buffer_append(out, span_of(head, 2 + sizeof(number)));
        return;
    }
    head[1] = 't';
    memcpy(head + 2, &len, sizeof(len));
    (void)buffer_append(out, span_of(head, 2 + sizeof(len)));
    (void)buffer_append(out, value->text);
}

void chain_hash(uint8_t hash[SHA256_SIZE], int64_t seq, const struct store_value *values,
                struct buffer *bytes)
{
    uint64_t number = htole64((uint64_t)seq);

    buffer_clear(bytes);
    (void)buffer_append(bytes, span_of((const char *)hash, SHA256_SIZE));
    (void)buffer_append(bytes, span_of((const char *)&number, sizeof(number)));
    for (unsigned i = 0; i < COLUMNS; i++)
        add_value(tags[i], &values[i], bytes);
    CHECK(!bytes->failed);
    hash_sha256(buffer_span(bytes), hash);
}

void chain_begin(struct span host, int64_t month, uint8_t ret[SHA256_SIZE])
{
    struct buffer _buffer_ name;
    char text[MONTH_TEXT_SIZE];

    buffer_init(&name, 4096);
    month_write(month, text);
    (void)buffer_append(&name, span_of_text(text));
    (void)buffer_append_byte(&name, '/');
    (void)buffer_append(&name, host);
    CHECK(!name.failed);
    hash_sha256(buffer_span(&name), ret);
}

int64_t chain_id(const uint8_t begin[SHA256_SIZE])
{
    uint64_t number;

    memcpy(&number, begin, sizeof(number));
    return (int64_t)(le64toh(number) >> 1 | 1); /* positive, and not 0 */
}

/* ---- chains of a batch --------------------------------------------------------------------
 */

void chains_init(struct chains *chains, struct arena *arena, struct store *store)
{
    *chains = (struct chains){.arena = arena, .store = store, .room = ROOM_FIRST};
    chains->rows = memory_new_array(chains->room, sizeof(chains->rows[0]));
    buffer_init(&chains->bytes, CHAIN_ROW_BYTES);
}

void chains_done(struct chains *chains)
{
    buffer_done(&chains->bytes);
    memory_free(chains->rows);
}

static void take_head(void *who, const struct store_value *values, unsigned count)
{
    struct chain *chain = who;

    CHECK(count == 2);
    if (values[0].kind == STORE_NUMBER &&
        decode_hex(values[1].text, chain->hash, sizeof(chain->hash)))
        chain->seq_before = chain->seq = values[0].number;
}

static int create(struct store *store, const struct chain *chain)
{
    char month[MONTH_TEXT_SIZE], hash[CHAIN_HASH_TEXT];

    month_write(chain->month, month);
    encode_hex(chain->hash, sizeof(chain->hash), hash);
    const struct store_value values[] = {
        STORE_NUMBER_VALUE(chain->id), STORE_TEXT_VALUE(chain->host),
        STORE_TEXT_VALUE(span_of_text(month)), STORE_TEXT_VALUE(span_of(hash, sizeof(hash)))};
    int64_t rows = store_run(store,
                             "insert into usage_chains (id, host, month, seq, hash, "
                             "removed_seq, removed_hash) values ($1, $2, $3, 0, $4, 0, $4) "
                             "on conflict (id) do nothing",
                             values, ARRAY_LEN(values), NULL, NULL);

    return rows < 0 ? (int)rows : 0;
}

/* What the table says of the chain; a new one is put there. */
static int load(struct store *store, struct chain *chain)
{
    const struct store_value id = STORE_NUMBER_VALUE(chain->id);
    int64_t rows = store_run(store, "select seq, hash from usage_chains where id = $1", &id, 1,
                             take_head, chain);

    if (rows != 0)
        return rows < 0 ? (int)rows : 0;
    return create(store, chain);
}

static struct chain *chain_new(struct chains *chains, struct span host, int64_t month)
{
    struct chain *chain = ARENA_NEW(chains->arena, struct chain);

    chain->host = host.ptr ? host : SPAN("");
    chain->month = month;
    chain_begin(host, month, chain->hash);
    chain->id = chain_id(chain->hash);
    return chain;
}

static void keep(struct chains *chains, struct chain *chain)
{
    if (chains->count == chains->room) {
        chains->room *= 2;
        chains->rows = memory_resize(chains->rows, chains->room * sizeof(chains->rows[0]));
    }
    chains->rows[chains->count++] = chain;
}

static bool is(const struct chain *chain, struct span host, int64_t month)
{
    return chain->month == month && span_eq(chain->host, host);
}

struct chain *chains_find(struct chains *chains, struct span host, int64_t started_ms,
                          int *ret_error)
{
    int64_t month = month_of(started_ms);
    struct chain *chain = chains->last;

    if (chain && is(chain, host, month))
        return chain;
    for (uint32_t i = 0; i < chains->count; i++) {
        if (is(chains->rows[i], host, month))
            return chains->last = chains->rows[i];
    }
    chain = chain_new(chains, host, month);
    *ret_error = load(chains->store, chain);
    if (*ret_error < 0)
        return NULL;
    keep(chains, chain);
    return chains->last = chain;
}

static int put_head(struct store *store, const struct chain *chain)
{
    char hash[CHAIN_HASH_TEXT];

    encode_hex(chain->hash, sizeof(chain->hash), hash);
    const struct store_value values[] = {
        STORE_NUMBER_VALUE(chain->id), STORE_NUMBER_VALUE(chain->seq_before),
        STORE_NUMBER_VALUE(chain->seq), STORE_TEXT_VALUE(span_of(hash, sizeof(hash)))};
    int64_t rows = store_run(
        store, "update usage_chains set seq = $3, hash = $4 where id = $1 and seq = $2", values,
        ARRAY_LEN(values), NULL, NULL);

    return rows < 0 ? (int)rows : rows == 0 ? -EAGAIN : 0;
}

int chains_put(struct chains *chains)
{
    int result = 0;

    for (uint32_t i = 0; i < chains->count && result == 0; i++) {
        if (chains->rows[i]->seq != chains->rows[i]->seq_before)
            result = put_head(chains->store, chains->rows[i]);
    }
    return result;
}
