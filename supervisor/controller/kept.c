/* The copy of the rows on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/file.h"
#include "shared/base/memory.h"
#include "shared/json_tree/json_tree.h"
#include "shared/text/json_write.h"

#include "supervisor/controller/rows.h"

#define KEPT_BYTES (1U << 30)
#define KEPT_AAD   SPAN("aigw kept rows 1")

/* ---- writing ----------------------------------------------------------------------------- */

static void write_hash(struct json_writer *writer, struct span key, const uint8_t hash[32])
{
    char text[64];

    encode_hex(hash, 32, text);
    json_write_member_text(writer, key, span_of(text, sizeof(text)));
}

static void write_names(struct json_writer *writer, const struct span *names, uint32_t count)
{
    json_write_key(writer, SPAN("models"));
    if (!names) {
        json_write_null(writer);
        return;
    }
    json_write_array(writer);
    for (uint32_t i = 0; i < count; i++)
        json_write_text(writer, names[i]);
    json_write_array_end(writer);
}

static void write_key(struct json_writer *writer, const struct configure_key *key)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("id"), span_of(key->id, KEY_ID_SIZE));
    json_write_member_u64(writer, SPAN("flags"), key->flags);
    write_hash(writer, SPAN("hash"), key->secret_hash);
    write_hash(writer, SPAN("previous"), key->previous_hash);
    json_write_member_i64(writer, SPAN("previous_until_ms"), key->previous_until_ms);
    json_write_member_i64(writer, SPAN("expires_ms"), key->expires_ms);
    json_write_member_u64(writer, SPAN("tenant"), key->tenant);
    json_write_member_u64(writer, SPAN("team"), key->team);
    json_write_member_u64(writer, SPAN("user"), key->user);
    json_write_member_text(writer, SPAN("name"), key->name);
    write_names(writer, key->models, key->model_count);
    json_write_object_end(writer);
}

static void write_credential(struct json_writer *writer, const struct configure_credential *row)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), row->name);
    json_write_member_text(writer, SPAN("value"), secret_reveal(row->value));
    json_write_member_u64(writer, SPAN("weight"), row->weight);
    json_write_member_i64(writer, SPAN("created_ms"), row->created_ms);
    json_write_object_end(writer);
}

static void write_provider(struct json_writer *writer, const struct configure_provider *row)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), row->name);
    json_write_member_text(writer, SPAN("kind"), row->kind);
    json_write_member_text(writer, SPAN("base_url"), row->base_url);
    json_write_key(writer, SPAN("keys"));
    json_write_array(writer);
    for (uint32_t i = 0; i < row->key_count; i++)
        write_credential(writer, &row->keys[i]);
    json_write_array_end(writer);
    write_names(writer, row->models, row->model_count);
    json_write_object_end(writer);
}

static void write_price(struct json_writer *writer, const struct price_row *row)
{
    struct buffer json _buffer_;

    buffer_init(&json, PRICE_JSON_MAX);
    price_rows_write(&row->price, &json);
    json_write_object(writer);
    json_write_member_bool(writer, SPAN("imported"), row->origin == PRICE_ORIGIN_IMPORTED);
    json_write_member_text(writer, SPAN("provider"), row->provider);
    json_write_member_text(writer, SPAN("model"), row->model);
    json_write_member_i64(writer, SPAN("from_ms"), row->from_ms);
    json_write_member_text(writer, SPAN("price"), buffer_span(&json));
    json_write_member_text(writer, SPAN("version"), row->version);
    json_write_object_end(writer);
}

static void write_rows(const struct rows *rows, struct buffer *out)
{
    struct json_writer writer;

    json_write_init(&writer, out);
    json_write_object(&writer);
    json_write_key(&writer, SPAN("keys"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < rows->key_count; i++)
        write_key(&writer, &rows->keys[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, SPAN("providers"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < rows->provider_count; i++)
        write_provider(&writer, &rows->providers[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, SPAN("prices"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < rows->price_count; i++)
        write_price(&writer, &rows->prices[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, SPAN("drains"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < rows->drain_count; i++)
        json_write_text(&writer, rows->drains[i]);
    json_write_array_end(&writer);
    kept_write_rules(rows, &writer);
    json_write_object_end(&writer);
}

static void kept_name(struct span state_dir, const char *name, char ret[4096])
{
    (void)snprintf(ret, 4096, "%.*s/%s", SPAN_ARG(state_dir), name);
}

static int write_file(const char *name, struct span bytes)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result;

    if (fd < 0)
        return -errno;
    result = file_write(fd, bytes);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    (void)close(fd);
    return result;
}

int rows_keep(const struct rows *rows, const struct vault *vault, struct span state_dir)
{
    char name[4096], name_new[4096];
    struct buffer plain, sealed;
    uint8_t *bytes;
    int result = -E2BIG;

    buffer_init(&plain, KEPT_BYTES);
    buffer_init(&sealed, KEPT_BYTES + GCM_NONCE_SIZE + GCM_TAG_SIZE);
    write_rows(rows, &plain);
    bytes = (uint8_t *)buffer_reserve(&sealed, GCM_NONCE_SIZE + GCM_TAG_SIZE + plain.len);
    if (!plain.failed && bytes) {
        random_bytes(bytes, GCM_NONCE_SIZE);
        gcm_seal(vault->key, bytes, KEPT_AAD, buffer_span(&plain),
                 bytes + GCM_NONCE_SIZE + GCM_TAG_SIZE, bytes + GCM_NONCE_SIZE);
        buffer_grew(&sealed, GCM_NONCE_SIZE + GCM_TAG_SIZE + plain.len);
        kept_name(state_dir, "snapshot.sealed", name);
        kept_name(state_dir, "snapshot.sealed.new", name_new);
        result = write_file(name_new, buffer_span(&sealed));
        if (result == 0 && rename(name_new, name) < 0)
            result = -errno;
    }
    memory_wipe(plain.ptr, plain.len);
    buffer_done(&plain);
    buffer_done(&sealed);
    return result;
}

/* ---- reading ----------------------------------------------------------------------------- */

static int64_t number(const cJSON *object, const char *name)
{
    int64_t value = 0;

    return json_tree_i64(object, name, 0, INT64_MAX, &value) ? value : 0;
}

static const struct span *names_of(struct rows *rows, const cJSON *object, uint32_t *ret_count)
{
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(object, "models"));
    const struct span *names = rows_names(rows, span_of_text(text), ret_count);

    cJSON_free(text);
    return names;
}

static bool read_key(struct rows *rows, const cJSON *item)
{
    struct span id = json_tree_text(item, "id");
    struct configure_key *key;

    if (id.len != KEY_ID_SIZE)
        return false;
    key = rows_add_key(rows);
    memcpy(key->id, id.ptr, KEY_ID_SIZE);
    key->flags = (uint32_t)number(item, "flags");
    key->previous_until_ms = number(item, "previous_until_ms");
    key->expires_ms = number(item, "expires_ms");
    key->tenant = (uint64_t)number(item, "tenant");
    key->team = (uint64_t)number(item, "team");
    key->user = (uint64_t)number(item, "user");
    key->name = arena_copy(&rows->arena, json_tree_text(item, "name"));
    key->models = names_of(rows, item, &key->model_count);
    return decode_hex(json_tree_text(item, "hash"), key->secret_hash, 32) &&
           decode_hex(json_tree_text(item, "previous"), key->previous_hash, 32);
}

static struct span copied(struct rows *rows, const cJSON *item, const char *name)
{
    struct span text = json_tree_text(item, name);

    return text.ptr ? arena_copy(&rows->arena, text) : SPAN_NONE;
}

static void read_credential(struct rows *rows, struct configure_provider *provider,
                            const cJSON *item)
{
    struct configure_credential row = {.name = json_tree_text(item, "name"),
                                       .value = secret_of(json_tree_text(item, "value")),
                                       .weight = (uint32_t)number(item, "weight"),
                                       .created_ms = number(item, "created_ms")};

    rows_add_credential(rows, provider, &row);
}

static void read_provider(struct rows *rows, const cJSON *item)
{
    struct configure_provider *row = rows_add_provider(rows);
    const cJSON *key;

    row->name = copied(rows, item, "name");
    row->kind = copied(rows, item, "kind");
    row->base_url = copied(rows, item, "base_url");
    cJSON_ArrayForEach(key, cJSON_GetObjectItemCaseSensitive(item, "keys"))
    {
        read_credential(rows, row, key);
    }
    row->models = names_of(rows, item, &row->model_count);
}

static void read_price(struct rows *rows, const cJSON *item)
{
    struct price_row row = {.origin =
                                cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "imported"))
                                    ? PRICE_ORIGIN_IMPORTED
                                    : PRICE_ORIGIN_STORE,
                            .provider = json_tree_text(item, "provider"),
                            .model = json_tree_text(item, "model"),
                            .from_ms = number(item, "from_ms"),
                            .version = json_tree_text(item, "version")};

    rows_add_price(rows, &row, json_tree_text(item, "price"));
}

static int read_rows(struct span text, struct rows **ret)
{
    cJSON *tree = json_tree_read(text);
    const cJSON *item;
    struct rows *rows;
    bool good = tree != NULL;

    if (!tree)
        return -EPROTO;
    rows = rows_new();
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "keys"))
    {
        good = good && read_key(rows, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "providers"))
    {
        read_provider(rows, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "prices"))
    {
        read_price(rows, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "drains"))
    {
        if (cJSON_IsString(item))
            rows_add_drain(rows, span_of_text(item->valuestring));
    }
    kept_read_rules(rows, tree);
    cJSON_Delete(tree);
    if (!good) {
        rows_free(rows);
        return -EPROTO;
    }
    rows_finish(rows);
    *ret = rows;
    return 0;
}

int rows_read_kept(const struct vault *vault, struct span state_dir, struct rows **ret)
{
    const size_t front = GCM_NONCE_SIZE + GCM_TAG_SIZE;
    char name[4096];
    struct buffer sealed;
    const uint8_t *bytes;
    uint8_t *plain;
    int result;

    kept_name(state_dir, "snapshot.sealed", name);
    buffer_init(&sealed, KEPT_BYTES);
    result = file_read(name, &sealed);
    if (result == 0 && sealed.len < front)
        result = -EPROTO;
    if (result == 0) {
        bytes = (const uint8_t *)sealed.ptr;
        plain = memory_new(sealed.len - front + 1);
        if (gcm_open(vault->key, bytes, KEPT_AAD,
                     span_of(sealed.ptr + front, sealed.len - front), bytes + GCM_NONCE_SIZE,
                     plain))
            result = read_rows(span_of((const char *)plain, sealed.len - front), ret);
        else
            result = -EPROTO;
        memory_wipe(plain, sealed.len - front);
        memory_free(plain);
    }
    buffer_done(&sealed);
    return result;
}
