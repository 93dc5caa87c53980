#include "shared/segment/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

#define HEARTBEAT_FRESH_MS 2000

/* One row per part: name, type of a row, rows. Offsets follow from the order. */
#define PARTS(PART)                                                 \
    PART(slots, struct slot, SEGMENT_SLOTS)                         \
    PART(targets, struct target_health, SEGMENT_TARGETS)            \
    PART(buckets, struct bucket, SEGMENT_BUCKETS)                   \
    PART(yields, struct yield, SEGMENT_YIELDS)                      \
    PART(paces, struct target_pace, SEGMENT_TARGETS)                \
    PART(credentials, struct credential_state, SEGMENT_CREDENTIALS) \
    PART(starts, struct start_times, SEGMENT_STARTS)                \
    PART(homes, struct home, SEGMENT_HOMES)                         \
    PART(queues, struct queue, SEGMENT_QUEUES)                      \
    PART(metrics, struct metric_row, SEGMENT_SLOTS)                 \
    PART(inflight, struct inflight, (uint64_t)SEGMENT_SLOTS *SEGMENT_INFLIGHT)

enum part {
#define PART(name, type, rows) PART_##name,
    PARTS(PART)
#undef PART
    PART_COUNT
};

struct part_row { /* table of contents, so that a reader of another build can tell */
    char name[16];
    uint64_t offset, size;
};

struct segment {
    uint64_t magic;
    uint32_t version, part_count;
    uint64_t size;
    int64_t made_wall_ms;
    struct part_row parts[PART_COUNT];
    uint8_t unused_head[64 - (32 + PART_COUNT * 32) % 64];
    _Atomic uint64_t generation;
    uint8_t unused_generation[56];
    _Atomic uint64_t journal;
    _Atomic uint32_t sharers;
    uint8_t unused_journal[52];
    struct segment_tickets tickets;
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the segment has no locks");
_Static_assert(sizeof(struct part_row) == 32, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct segment, parts) == 32, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct segment, generation) == 448, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct segment, journal) == 512, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct segment, tickets) == 576, "drawn in docs/shared-memory.md");
_Static_assert(sizeof(struct segment_tickets) == 160, "drawn in docs/shared-memory.md");
_Static_assert(sizeof(struct segment) <= 4096, "the head is one page");

/* The whole as a type, so that the compiler computes the offsets. */
struct layout {
    union {
        struct segment head;
        uint8_t page[4096];
    } first;

#define PART(name, type, rows) type name[rows] __attribute__((aligned(4096)));
    PARTS(PART)
#undef PART
};

_Static_assert(offsetof(struct layout, slots) == 0x1000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, targets) == 0x3000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, buckets) == 0x23000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, yields) == 0x423000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, paces) == 0x523000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, credentials) == 0x533000,
               "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, starts) == 0x573000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, homes) == 0x683000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, queues) == 0x1683000, "drawn in docs/shared-memory.md");
_Static_assert(offsetof(struct layout, metrics) == 0x178b000, "drawn in docs/shared-memory.md");

static const struct part_row contents[PART_COUNT] = {
#define PART(name, type, rows) \
    {#name, offsetof(struct layout, name), sizeof(((struct layout *)0)->name)},
    PARTS(PART)
#undef PART
};

static struct layout *layout_of(struct segment *segment)
{
    CHECK(segment != NULL && segment->magic == SEGMENT_MAGIC);
    return (struct layout *)(void *)segment;
}

static struct segment *map(int fd)
{
    void *mapping =
        mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (mapping == MAP_FAILED)
        return NULL;
    /* Ticket keys lie here: never in a core file. */
    (void)madvise(mapping, sizeof(struct layout), MADV_DONTDUMP);
    return mapping;
}

static void write_head(struct segment *segment)
{
    segment->version = SEGMENT_VERSION;
    segment->part_count = PART_COUNT;
    segment->size = sizeof(struct layout);
    segment->made_wall_ms = clock_wall_ms();
    memcpy(segment->parts, contents, sizeof(contents));
    /* Files of an earlier segment may still be there, so the numbers begin at the time. */
    atomic_init(&segment->journal, (uint64_t)segment->made_wall_ms);
    atomic_init(&segment->sharers, 1);
    segment->magic = SEGMENT_MAGIC;
}

struct segment *segment_create(int *ret_fd)
{
    struct segment *segment = NULL;
    int fd = memfd_create("aigw-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (fd < 0)
        return NULL;
    if (ftruncate(fd, sizeof(struct layout)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        segment = map(fd);
    if (segment == NULL) {
        error = errno;
        (void)close(fd);
        errno = error;
        return NULL;
    }
    write_head(segment);
    *ret_fd = fd;
    return segment;
}

static bool head_is_ours(const struct segment *head)
{
    return head->magic == SEGMENT_MAGIC && head->version == SEGMENT_VERSION &&
           head->part_count == PART_COUNT && head->size == sizeof(struct layout) &&
           memcmp(head->parts, contents, sizeof(contents)) == 0;
}

struct segment *segment_attach(int fd)
{
    struct segment head;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return NULL;
    if (status.st_size != (off_t)sizeof(struct layout) ||
        pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) || !head_is_ours(&head)) {
        errno = EPROTO;
        return NULL;
    }
    return map(fd);
}

void segment_detach(struct segment *segment)
{
    if (segment != NULL)
        (void)munmap(segment, sizeof(struct layout));
}

struct slot *segment_slot(struct segment *segment, uint32_t slot)
{
    CHECK(slot < SEGMENT_SLOTS);
    return &layout_of(segment)->slots[slot];
}

struct inflight *segment_inflight(struct segment *segment, uint32_t slot, uint32_t index)
{
    CHECK(slot < SEGMENT_SLOTS && index < SEGMENT_INFLIGHT);
    return &layout_of(segment)->inflight[(size_t)slot * SEGMENT_INFLIGHT + index];
}

struct target_health *segment_target(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_TARGETS);
    return &layout_of(segment)->targets[row];
}

void segment_forget_target(struct segment *segment, uint32_t row)
{
    struct target_health *health = segment_target(segment, row);
    struct target_pace *pace = segment_pace(segment, row);
    _Atomic uint64_t *const words[] = {
        &health->requests,
        &health->failures,
        &health->consecutive_failures,
        &health->last_failure_ms,
        &health->last_success_ms,
        &health->input_tokens,
        &health->output_tokens,
        &health->latency_ewma_us,
        &health->state,
        &health->until_ms,
        &health->refusals,
        &health->window,
        &health->errors_in_row,
        &health->breaks_in_row,
        &health->ejections,
        &pace->first_us,
        &pace->first_ms,
        &pace->window,
        &pace->last_fault,
        &pace->before,
    };

    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        atomic_store(words[i], 0);
}

struct target_pace *segment_pace(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_TARGETS);
    return &layout_of(segment)->paces[row];
}

struct home *segment_home(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_HOMES);
    return &layout_of(segment)->homes[row];
}

struct bucket *segment_bucket(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_BUCKETS);
    return &layout_of(segment)->buckets[row];
}

struct yield *segment_yield(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_YIELDS);
    return &layout_of(segment)->yields[row];
}

struct start_times *segment_starts(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_STARTS);
    return &layout_of(segment)->starts[row];
}

struct queue *segment_queue(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_QUEUES);
    return &layout_of(segment)->queues[row];
}

/* A table of rows with an identity at their begin, found by open addressing; `named_at`: where
 * in a row the generation of the last snapshot stands that named it. */
struct named_rows {
    void *rows;
    size_t row_size, named_at;
    uint32_t count;
};

static _Atomic uint64_t *word_at(const struct named_rows *table, uint32_t row, size_t offset)
{
    return (_Atomic uint64_t *)(void *)((char *)table->rows + row * table->row_size + offset);
}

/* The row of IDENTITY, or one that may be taken for it (*RET_NEW); UINT32_MAX: there is none.
 */
static uint32_t find_row(const struct named_rows *table, uint64_t identity, uint64_t oldest,
                         bool *ret_new)
{
    uint32_t row = (uint32_t)identity % table->count, place = UINT32_MAX;

    CHECK(identity != 0);
    *ret_new = false;
    for (uint32_t i = 0; i < table->count; i++, row = (row + 1) % table->count) {
        uint64_t there = atomic_load(word_at(table, row, 0));

        if (there == identity)
            return row;
        if (place == UINT32_MAX &&
            (there == 0 || atomic_load(word_at(table, row, table->named_at)) < oldest))
            place = row;
        if (there == 0)
            break;
    }
    *ret_new = place != UINT32_MAX;
    return place;
}

static void take_bucket(struct bucket *bucket, uint64_t identity)
{
    atomic_store(&bucket->identity, 0);
    atomic_store(&bucket->level[0], 0);
    atomic_store(&bucket->level[1], 0);
    atomic_store(&bucket->total, 0);
    atomic_store(&bucket->granted, UINT64_MAX);
    atomic_store(&bucket->wanted, 0);
    atomic_store(&bucket->refused, 0);
    atomic_store(&bucket->identity, identity);
}

uint32_t segment_claim_bucket(struct segment *segment, uint64_t identity, uint64_t generation,
                              uint64_t oldest)
{
    struct bucket *buckets = layout_of(segment)->buckets;
    const struct named_rows table = {buckets, sizeof(*buckets), offsetof(struct bucket, named),
                                     SEGMENT_BUCKETS};
    bool new;
    uint32_t row = find_row(&table, identity, oldest, &new);

    if (new)
        take_bucket(&buckets[row], identity);
    if (row != UINT32_MAX)
        atomic_store(&buckets[row].named, generation);
    return row;
}

struct credential_state *segment_credential(struct segment *segment, uint32_t row)
{
    CHECK(row < SEGMENT_CREDENTIALS);
    return &layout_of(segment)->credentials[row];
}

/* Nobody names it any more: what it knew is of another credential. */
static void take_credential(struct credential_state *state, uint64_t identity)
{
    atomic_store(&state->requests, 0);
    atomic_store(&state->refused, 0);
    atomic_store(&state->limited, 0);
    atomic_store(&state->refusal, 0);
    atomic_store(&state->limited_until_ms, 0);
    atomic_store(&state->refused_since_ms, 0);
    atomic_store(&state->identity, identity);
}

uint32_t segment_claim_credential(struct segment *segment, uint64_t identity,
                                  uint64_t generation, uint64_t oldest)
{
    struct credential_state *states = layout_of(segment)->credentials;
    const struct named_rows table = {
        states, sizeof(*states), offsetof(struct credential_state, named), SEGMENT_CREDENTIALS};
    bool new;
    uint32_t row = find_row(&table, identity, oldest, &new);

    if (new)
        take_credential(&states[row], identity);
    if (row != UINT32_MAX)
        atomic_store(&states[row].named, generation);
    return row;
}

/* What waits there waits in workers that still name it, so a row that is taken is empty. */
static void take_queue(struct queue *queue, uint64_t identity)
{
    atomic_store(&queue->usual_us, 0);
    for (uint32_t i = 0; i < QUEUE_FLOWS; i++) {
        atomic_store(&queue->flows[i].identity, 0);
        atomic_store(&queue->flows[i].finish, 0);
    }
    atomic_store(&queue->now_us, 0);
    atomic_store(&queue->identity, identity);
}

uint32_t segment_claim_queue(struct segment *segment, uint64_t identity, uint64_t generation,
                             uint64_t oldest)
{
    struct queue *queues = layout_of(segment)->queues;
    const struct named_rows table = {queues, sizeof(*queues), offsetof(struct queue, named),
                                     SEGMENT_QUEUES};
    bool new;
    uint32_t row = find_row(&table, identity, oldest, &new);

    if (new)
        take_queue(&queues[row], identity);
    if (row != UINT32_MAX)
        atomic_store(&queues[row].named, generation);
    return row;
}

uint32_t segment_claim_yield(struct segment *segment, uint64_t identity)
{
    struct yield *yields = layout_of(segment)->yields;
    uint32_t row = (uint32_t)identity % SEGMENT_YIELDS;

    CHECK(identity != 0);
    for (uint32_t i = 0; i < SEGMENT_YIELDS; i++, row = (row + 1) % SEGMENT_YIELDS) {
        uint64_t there = atomic_load(&yields[row].identity);

        if (there == 0)
            atomic_store(&yields[row].identity, identity);
        if (there == 0 || there == identity)
            return row;
    }
    return UINT32_MAX;
}

uint32_t segment_claim_starts(struct segment *segment, uint64_t identity)
{
    struct start_times *starts = layout_of(segment)->starts;
    uint32_t row = (uint32_t)identity % SEGMENT_STARTS;

    CHECK(identity != 0);
    for (uint32_t i = 0; i < SEGMENT_STARTS; i++, row = (row + 1) % SEGMENT_STARTS) {
        uint64_t there = atomic_load(&starts[row].identity);

        if (there == 0)
            atomic_store(&starts[row].identity, identity);
        if (there == 0 || there == identity)
            return row;
    }
    return UINT32_MAX;
}

_Atomic uint32_t *segment_sharers(struct segment *segment)
{
    return &layout_of(segment)->first.head.sharers;
}

int64_t segment_made_ms(const struct segment *segment)
{
    CHECK(segment->magic == SEGMENT_MAGIC);
    return segment->made_wall_ms;
}

struct metric_row *segment_metrics(struct segment *segment, uint32_t slot)
{
    CHECK(slot < SEGMENT_SLOTS);
    return &layout_of(segment)->metrics[slot];
}

struct segment_tickets *segment_tickets(struct segment *segment)
{
    return &layout_of(segment)->first.head.tickets;
}

_Atomic uint64_t *segment_generation(struct segment *segment)
{
    return &layout_of(segment)->first.head.generation;
}

uint64_t segment_next_journal(struct segment *segment)
{
    return atomic_fetch_add(&layout_of(segment)->first.head.journal, 1) + 1;
}

static bool slot_counts(struct slot *slot, uint64_t now_ms)
{
    uint64_t heartbeat_ms;

    if (atomic_load_explicit(&slot->state, memory_order_relaxed) != SLOT_READY)
        return false;
    heartbeat_ms = atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed);
    return now_ms < heartbeat_ms + HEARTBEAT_FRESH_MS;
}

uint32_t segment_lowest_connections(struct segment *segment, uint64_t now_ms)
{
    struct layout *layout = layout_of(segment);
    uint32_t lowest = UINT32_MAX, connections;

    for (size_t i = 0; i < SEGMENT_SLOTS; i++) {
        if (!slot_counts(&layout->slots[i], now_ms))
            continue;
        connections = atomic_load_explicit(&layout->slots[i].connections, memory_order_relaxed);
        if (connections < lowest)
            lowest = connections;
    }
    return lowest;
}

static unsigned bucket_of(uint64_t us)
{
    unsigned bucket;

    if (us <= 16)
        return 0;
    bucket = 60 - (unsigned)__builtin_clzll(us - 1); /* bits of (us - 1), less 4 */
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static void add_alone(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
                          memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
    add_alone(&histogram->buckets[bucket_of(us)], 1);
    add_alone(&histogram->sum_us, us);
    add_alone(&histogram->count, 1);
}
