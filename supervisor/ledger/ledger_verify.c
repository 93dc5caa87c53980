#include "supervisor/ledger/ledger_verify.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "supervisor/ledger/calendar.h"
#include "supervisor/ledger/ledger_chain.h"

#define PAGE_ROWS 1000

/* A chain as its table has it. */
struct link {
    int64_t id, seq, removed_seq;
    struct span host, month;
    uint8_t hash[SHA256_SIZE], removed_hash[SHA256_SIZE];
    bool readable; /* the hashes are hashes */
};

struct walk {
    struct store *store;
    struct arena *arena;
    struct verify_place *place;
    struct verify_report *report;
    struct link link;
    struct buffer bytes;
    /* of a page */
    struct verify_place before; /* the last row of it */
    int64_t page_rows;
};

static int asked(int64_t rows)
{
    return rows < 0 ? (int)rows : 0;
}

static void find(struct walk *walk, const char *finding, int64_t seq, struct span request_id)
{
    struct verify_report *report = walk->report;

    if (report->finding)
        return;
    report->finding = finding;
    report->host = walk->link.host;
    report->month = walk->link.month;
    report->seq = report->last_seq = seq;
    if (request_id.ptr)
        report->request_id = arena_copy(walk->arena, request_id);
}

/* ---- the chain's own row -------------------------------------------------------------------
 */

static void take_link(void *who, const struct store_value *values, unsigned count)
{
    struct walk *walk = who;
    struct link *link = &walk->link;

    CHECK(count == 7);
    link->id = values[0].number;
    link->host = arena_copy(walk->arena, values[1].text);
    link->month = arena_copy(walk->arena, values[2].text);
    link->seq = values[3].number;
    link->removed_seq = values[5].number;
    link->readable = decode_hex(values[4].text, link->hash, SHA256_SIZE) &&
                     decode_hex(values[6].text, link->removed_hash, SHA256_SIZE);
}

#define LINK "select id, host, month, seq, hash, removed_seq, removed_hash from usage_chains "

/* The chain of ID, or the first one after it.  1: there is one. */
static int read_link(struct walk *walk, int64_t id, bool after)
{
    const struct store_value value = STORE_NUMBER_VALUE(id);

    return (int)store_run(
        walk->store, after ? LINK "where id > $1 order by id limit 1" : LINK "where id = $1",
        &value, 1, take_link, walk);
}

static bool begins_well(const struct link *link)
{
    struct span year = link->month, rest = link->month;
    uint64_t y, m;
    uint8_t begin[SHA256_SIZE];

    if (!link->readable || !span_cut(&rest, '-', &year) || !span_read_u64(year, &y) ||
        !span_read_u64(rest, &m) || y > 9999 || m < 1 || m > 12)
        return false;
    chain_begin(link->host, (int64_t)(y * 12 + m - 1), begin);
    return chain_id(begin) == link->id &&
           (link->removed_seq > 0 || memcmp(begin, link->removed_hash, SHA256_SIZE) == 0);
}

/* From where it is known what comes next. */
static void begin_link(struct walk *walk)
{
    const struct link *link = &walk->link;

    walk->place->chain = link->id;
    walk->place->seq = link->removed_seq;
    memcpy(walk->place->hash, link->removed_hash, SHA256_SIZE);
}

/* ---- its rows ------------------------------------------------------------------------------
 */

static const char page_rows[] = "select "
#define USAGE_TEXT(tag, member)   #member ", "
#define USAGE_NUMBER(tag, member) #member ", "
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
                                "seq, hash from usage where chain = $1 and seq > $2 and "
                                "seq <= $3 order by seq, request_id limit $4";

static void take_row(void *who, const struct store_value *values, unsigned count)
{
    struct walk *walk = who;
    struct verify_place *place = walk->place;
    int64_t seq = values[count - 2].number;
    char hash[CHAIN_HASH_TEXT];

    walk->page_rows++;
    if (walk->report->finding)
        return;
    if (seq != place->seq + 1) {
        find(walk, seq == place->seq ? "inserted" : "removed", place->seq + 1,
             seq == place->seq ? values[0].text : SPAN_NONE);
        walk->report->last_seq = seq == place->seq ? seq : seq - 1;
        return;
    }
    walk->before = *place;
    chain_hash(place->hash, seq, values, &walk->bytes);
    place->seq = seq;
    encode_hex(place->hash, SHA256_SIZE, hash);
    if (!span_eq(values[count - 1].text, span_of(hash, sizeof(hash))))
        find(walk, "changed", seq, values[0].text);
    walk->report->rows += walk->report->finding == NULL;
}

/* 1: there may be more. */
static int read_page(struct walk *walk)
{
    const struct store_value values[] = {
        STORE_NUMBER_VALUE(walk->link.id), STORE_NUMBER_VALUE(walk->place->seq),
        STORE_NUMBER_VALUE(walk->link.seq), STORE_NUMBER_VALUE(PAGE_ROWS)};

    walk->page_rows = 0;
    int result =
        asked(store_run(walk->store, page_rows, values, ARRAY_LEN(values), take_row, walk));

    if (result < 0 || walk->report->finding || walk->page_rows < PAGE_ROWS)
        return result;
    /* Once more from the last row: a second one of its number would be on the next page. */
    *walk->place = walk->before;
    walk->report->rows--;
    return 1;
}

static void take_stray(void *who, const struct store_value *values, unsigned count)
{
    struct walk *walk = who;

    CHECK(count == 2);
    find(walk, "inserted", values[1].number, values[0].text);
}

/* Rows beyond the head, or of before what retention took away.  Their head is read after them:
 * a ledger moves both in one step. */
static int find_strays(struct walk *walk)
{
    static const char *const strays[] = {
        "select request_id, seq from usage where chain = $1 and seq > "
        "(select seq from usage_chains where id = $1) order by seq limit 1",
        "select request_id, seq from usage where chain = $1 and seq <= "
        "(select removed_seq from usage_chains where id = $1) order by seq limit 1"};
    const struct store_value value = STORE_NUMBER_VALUE(walk->link.id);
    int result = 0;

    for (unsigned i = 0; i < ARRAY_LEN(strays) && result == 0; i++)
        result = asked(store_run(walk->store, strays[i], &value, 1, take_stray, walk));
    if (result == 0 && !walk->report->finding &&
        (walk->place->seq != walk->link.seq ||
         memcmp(walk->place->hash, walk->link.hash, SHA256_SIZE) != 0)) {
        find(walk, walk->place->seq < walk->link.seq ? "removed" : "changed",
             walk->place->seq + 1, SPAN_NONE);
        walk->report->last_seq = walk->link.seq;
    }
    return result;
}

/* What is missing may have been taken away by retention since the chain's row was read: 1 then,
 * and the walk begins again behind it. */
static int retained_meanwhile(struct walk *walk)
{
    int64_t removed_seq = walk->link.removed_seq;
    int there = read_link(walk, walk->link.id, false);

    if (there <= 0 || walk->link.removed_seq == removed_seq)
        return there < 0 ? there : 0;
    walk->report->finding = NULL;
    begin_link(walk);
    return 1;
}

static int walk_link(struct walk *walk)
{
    int more;

    do {
        more = read_page(walk);
        if (more == 0 && !walk->report->finding)
            more = find_strays(walk);
        if (more == 0 && walk->report->finding)
            more = retained_meanwhile(walk);
    } while (more == 1 && walk->report->rows < VERIFY_ROWS);
    return more;
}

/* ---- rows of no chain ----------------------------------------------------------------------
 */

static void take_unchained(void *who, const struct store_value *values, unsigned count)
{
    struct walk *walk = who;
    int64_t there = values[0].number, wanted = values[1].number;

    CHECK(count == 2);
    if (there != wanted)
        find(walk, there > wanted ? "inserted" : "removed", 0, SPAN_NONE);
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    *(int64_t *)who = values[0].kind == STORE_NUMBER ? values[0].number : 0;
}

/* Each chain that rows name, from one to the next in the index: is it known? */
static int find_unknown(struct walk *walk)
{
    int64_t chain = INT64_MIN, last;
    struct store_value value = STORE_NUMBER_VALUE(chain);

    do {
        value.number = last = chain;
        int64_t rows = store_run(walk->store, "select min(chain) from usage where chain > $1",
                                 &value, 1, take_number, &chain);

        if (rows < 0)
            return (int)rows;
        value.number = chain;
        if (chain == 0)
            return 0;
        rows = store_run(walk->store,
                         "select request_id, seq from usage where chain = $1 and "
                         "not exists (select 1 from usage_chains where id = $1) "
                         "order by seq limit 1",
                         &value, 1, take_stray, walk);
        if (rows < 0)
            return (int)rows;
    } while (!walk->report->finding && chain > last);
    return 0;
}

static int begin(struct walk *walk)
{
    int result = asked(store_run(walk->store,
                                 "select (select count(*) from usage where chain is null), "
                                 "(select seq - removed_seq from usage_chains where id = 0)",
                                 NULL, 0, take_unchained, walk));

    return result < 0 || walk->report->finding ? result : find_unknown(walk);
}

/* ---- the walk ------------------------------------------------------------------------------
 */

static int next_link(struct walk *walk)
{
    int there = read_link(walk, walk->place->chain, true);

    if (there <= 0) {
        walk->report->done = there == 0;
        return there;
    }
    begin_link(walk);
    if (!begins_well(&walk->link))
        find(walk, "changed", 0, SPAN_NONE);
    return 0;
}

/* The chain that the walk was in; its place may have been taken away since. */
static int same_link(struct walk *walk)
{
    int there = read_link(walk, walk->place->chain, false);

    if (there <= 0)
        return there < 0 ? there : next_link(walk);
    if (walk->place->seq < walk->link.removed_seq)
        begin_link(walk);
    return 0;
}

int ledger_verify(struct store *store, struct verify_place *place, struct arena *arena,
                  struct verify_report *ret)
{
    struct walk walk = {.store = store, .arena = arena, .place = place, .report = ret};
    int result = 0;

    *ret = (struct verify_report){.host = SPAN_NONE};
    buffer_init(&walk.bytes, CHAIN_ROW_BYTES);
    result = place->chain == 0 ? begin(&walk) : same_link(&walk);
    if (result == 0 && place->chain == 0 && !ret->finding)
        result = next_link(&walk);
    while (result == 0 && !ret->done && !ret->finding && ret->rows < VERIFY_ROWS) {
        result = walk_link(&walk);
        if (result == 0 && !ret->finding)
            result = next_link(&walk);
    }
    buffer_done(&walk.bytes);
    return result < 0 ? result : 0;
}

int64_t ledger_chains(struct store *store, unsigned limit, store_row_f *row, void *who)
{
    const struct store_value most = STORE_NUMBER_VALUE(limit);

    return store_run(
        store,
        "select host, month, seq, hash, removed_seq from usage_chains where id <> 0 "
        "order by month desc, host limit $1",
        &most, 1, row, who);
}
