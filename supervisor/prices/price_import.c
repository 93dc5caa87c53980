/* A price list takes the place of the one before: whole, or not at all. */
#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "supervisor/prices/price_rows.h"

#define ROWS_AT_ONCE   100 /* of one statement */
#define ROW_VALUES     7
#define IMPORTED_NAME  SPAN("price_import") /* in meta: digest of the last one */
#define VERSION_DIGITS 12

_Static_assert(ROWS_AT_ONCE *ROW_VALUES <= STORE_VALUES_MAX, "they fit into one statement");

struct import {
    const struct price_list_read *list;
    struct span version;
    int64_t now_ms;
};

static void write_statement(uint32_t rows, struct buffer *out)
{
    unsigned parameter = 1;

    (void)buffer_append(out, SPAN("insert into prices (origin, provider, model, from_ms, "
                                  "price, source, updated_ms) values "));
    for (uint32_t row = 0; row < rows; row++) {
        (void)buffer_append(out, row > 0 ? SPAN(", (") : SPAN("("));
        for (unsigned column = 0; column < ROW_VALUES; column++, parameter++)
            (void)buffer_append_format(out, column > 0 ? ", $%u" : "$%u", parameter);
        (void)buffer_append_byte(out, ')');
    }
    (void)buffer_append_byte(out, '\0');
    CHECK(!out->failed);
}

static void write_values(const struct import *import, const struct price_row *row,
                         struct arena *arena, struct store_value *ret)
{
    struct buffer json _buffer_;

    buffer_init(&json, PRICE_JSON_MAX);
    price_rows_write(&row->price, &json);
    CHECK(!json.failed); /* sixteen sheets are shorter */
    ret[0] = STORE_TEXT_VALUE(price_origin_name(PRICE_ORIGIN_IMPORTED));
    ret[1] = STORE_TEXT_VALUE(row->provider);
    ret[2] = STORE_TEXT_VALUE(row->model);
    ret[3] = STORE_NUMBER_VALUE(0);
    ret[4] = STORE_TEXT_VALUE(arena_copy(arena, buffer_span(&json)));
    ret[5] = STORE_TEXT_VALUE(import->version);
    ret[6] = STORE_NUMBER_VALUE(import->now_ms);
}

static int insert_rows(struct store *store, const struct import *import, uint32_t first,
                       uint32_t count)
{
    struct store_value *values =
        memory_new_array((size_t)count * ROW_VALUES, sizeof(struct store_value));
    struct buffer statement;
    struct arena arena;
    int64_t result;

    arena_init(&arena, 65536);
    buffer_init(&statement, (size_t)65536);
    write_statement(count, &statement);
    for (uint32_t i = 0; i < count; i++)
        write_values(import, &import->list->rows[first + i], &arena,
                     &values[(size_t)i * ROW_VALUES]);
    result = store_run(store, statement.ptr, values, count * ROW_VALUES, NULL, NULL);
    buffer_done(&statement);
    arena_done(&arena);
    memory_free(values);
    return result < 0 ? (int)result : 0;
}

static int replace_all(struct store *store, void *who)
{
    const struct import *import = who;
    uint32_t total = import->list->count;
    int64_t result =
        store_run(store, "delete from prices where origin = 'imported'", NULL, 0, NULL, NULL);

    for (uint32_t first = 0; result >= 0 && first < total; first += ROWS_AT_ONCE)
        result = insert_rows(store, import, first,
                             total - first < ROWS_AT_ONCE ? total - first : ROWS_AT_ONCE);
    return result < 0 ? (int)result : 0;
}

/* ---- what was imported before -------------------------------------------------------------
 */

struct before {
    uint32_t models;
    char digest[64];
};

static void take_count(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    ((struct before *)who)->models = (uint32_t)values[0].number;
}

static void take_digest(void *who, const struct store_value *values, unsigned count)
{
    struct before *before = who;

    CHECK(count == 1);
    if (values[0].text.len == sizeof(before->digest))
        memcpy(before->digest, values[0].text.ptr, sizeof(before->digest));
}

static int read_before(struct store *store, struct before *ret)
{
    const struct store_value name = STORE_TEXT_VALUE(IMPORTED_NAME);
    int64_t result = store_run(store, "select count(*) from prices where origin = 'imported'",
                               NULL, 0, take_count, ret);

    if (result >= 0 && ret->models > 0)
        result = store_run(store, "select value from meta where name = $1", &name, 1,
                           take_digest, ret);
    return result < 0 ? (int)result : 0;
}

/* The last word, which other hosts are told of. */
static int remember(struct store *store, const struct price_import *import)
{
    const struct store_value values[] = {
        STORE_TEXT_VALUE(IMPORTED_NAME),
        STORE_TEXT_VALUE(span_of(import->digest, sizeof(import->digest)))};
    int64_t result = store_change(store,
                                  "insert into meta (name, value) values ($1, $2) "
                                  "on conflict (name) do update set value = excluded.value",
                                  values, ARRAY_LEN(values));

    return result < 0 ? (int)result : 0;
}

/* ---- all of it ----------------------------------------------------------------------------
 */

static void digest_of(struct span text, char ret[64])
{
    uint8_t digest[SHA256_SIZE];

    hash_sha256(text, digest);
    encode_hex(digest, sizeof(digest), ret);
}

static int refuse(struct buffer *reterr, const char *what)
{
    (void)buffer_append(reterr, span_of_text(what));
    return -EINVAL;
}

static bool shrinks(const struct price_import *import)
{
    return (uint64_t)import->models * 100 <
           (uint64_t)import->models_before * PRICE_SHRINK_LEAST;
}

static int take_list(struct store *store, const struct price_list_read *list,
                     struct price_import *import, int64_t now_ms, struct buffer *reterr)
{
    struct import work = {.list = list, .now_ms = now_ms};
    struct buffer version _buffer_;
    int result;

    buffer_init(&version, 1000);
    import->models = list->count;
    import->others = list->others;
    import->free = list->free;
    if (shrinks(import)) {
        (void)buffer_append_format(reterr,
                                   "it has %u models and the last one had %u: more than 5 %% "
                                   "would be lost",
                                   import->models, import->models_before);
        return -EINVAL;
    }
    (void)buffer_append_format(&version, "%.*s %.*s", SPAN_ARG(import->name), VERSION_DIGITS,
                               import->digest);
    work.version = buffer_span(&version);
    result = store_transaction(store, replace_all, &work);
    return result < 0 ? result : remember(store, import);
}

int price_rows_import(struct store *store, struct span text, struct price_import *import,
                      int64_t now_ms, struct buffer *reterr)
{
    struct price_list_read list;
    struct before before = {0};
    int result;

    digest_of(text, import->digest);
    if (import->sha256.ptr &&
        !span_eq_nocase(import->sha256, span_of(import->digest, sizeof(import->digest))))
        return refuse(reterr, "its SHA-256 is not the one that is expected");
    result = read_before(store, &before);
    if (result < 0)
        return result;
    import->models_before = before.models;
    import->same = memcmp(before.digest, import->digest, sizeof(before.digest)) == 0;
    if (import->unless_same && import->same)
        return 0;
    if (!price_list_read(text, &list, reterr))
        return -EINVAL;
    result = take_list(store, &list, import, now_ms, reterr);
    price_list_done(&list);
    return result;
}
