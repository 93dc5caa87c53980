#include "supervisor/keys/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#define KEY_FILE_MOST   256 /* a key and white space */
#define SEALED_PREFIX   "v1."
#define SEALED_HEAD     (GCM_NONCE_SIZE + GCM_TAG_SIZE)
#define VAULT_TEXT_MOST (VAULT_SECRET_MAX * 2)

static int complain(struct buffer *reterr, int result, const char *what, const char *path)
{
    (void)buffer_append_format(reterr, "master key: %s: %s", path, what);
    return result;
}

/* ---- the master key
 * -------------------------------------------------------------------------- */

static struct span without_newline(struct span text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return span_trim(text);
}

static bool take_key(struct vault *vault, struct span text)
{
    struct buffer bytes;
    uint8_t digest[SHA256_SIZE];
    char labelled[16 + AES_KEY_SIZE] = "aigw master key";

    text = without_newline(text);
    buffer_init(&bytes, AES_KEY_SIZE + 4);
    bool good = decode_hex(text, vault->key, AES_KEY_SIZE);

    if (!good && decode_base64(text, &bytes) && bytes.len == AES_KEY_SIZE) {
        memcpy(vault->key, bytes.ptr, AES_KEY_SIZE);
        good = true;
    }
    if (bytes.ptr)
        memory_wipe(bytes.ptr, bytes.size);
    buffer_done(&bytes);
    memcpy(labelled + 16, vault->key, AES_KEY_SIZE);
    hash_sha256(span_of(labelled, sizeof(labelled)), digest);
    memory_wipe(labelled, sizeof(labelled));
    encode_hex(digest, VAULT_ID_SIZE / 2, vault->id);
    vault->id[VAULT_ID_SIZE] = '\0';
    return good;
}

/* 0, -ENOENT, or another negative errno with the sentence. */
static int read_key_file(struct vault *vault, const char *path, struct buffer *reterr)
{
    char text[KEY_FILE_MOST];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0)
        return complain(reterr, -errno, log_error_text(errno), path);
    ssize_t count = read(fd, text, sizeof(text));
    bool good = count > 0 && take_key(vault, span_of(text, (size_t)count));

    (void)close(fd);
    memory_wipe(text, sizeof(text));
    return good ? 0
                : complain(reterr, -EINVAL, "not 32 bytes as 64 hex or 44 base64 digits", path);
}

/* Whole or not at all: written beside, then linked; who was faster wins. */
static int make_key_file(const char *path)
{
    uint8_t key[AES_KEY_SIZE];
    char text[2 * AES_KEY_SIZE + 1];
    char beside[PATH_MAX];

    if (snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid()) >= (int)sizeof(beside))
        return -ENAMETOOLONG;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    random_bytes(key, sizeof(key));
    encode_hex(key, sizeof(key), text);
    text[sizeof(text) - 1] = '\n';
    int result = file_write(fd, span_of(text, sizeof(text)));

    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    memory_wipe(key, sizeof(key));
    memory_wipe(text, sizeof(text));
    (void)close(fd);
    if (result == 0 && link(beside, path) < 0 && errno != EEXIST)
        result = -errno;
    (void)unlink(beside);
    return result;
}

static int state_key(struct vault *vault, struct span state_dir, struct buffer *reterr)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%.*s/master.key", SPAN_ARG(state_dir)) >=
        (int)sizeof(path) - 16)
        return complain(reterr, -ENAMETOOLONG, "the path is too long", "master.key");
    int result = read_key_file(vault, path, reterr);

    if (result != -ENOENT)
        return result;
    result = make_key_file(path);
    if (result < 0)
        return complain(reterr, result, log_error_text(result), path);
    result = read_key_file(vault, path, reterr);
    return result == -ENOENT ? complain(reterr, result, "it is gone again", path) : result;
}

int vault_open(struct vault *vault, struct span state_dir, struct secret setting,
               struct buffer *reterr)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    int result = -ENOENT;

    *vault = (struct vault){.id = ""};
    if (folder && snprintf(path, sizeof(path), "%s/kek", folder) < (int)sizeof(path))
        result = read_key_file(vault, path, reterr);
    if (result != -ENOENT)
        return result;
    if (secret_reveal(setting).len == 0)
        return state_key(vault, state_dir, reterr);
    return take_key(vault, secret_reveal(setting))
               ? 0
               : complain(reterr, -EINVAL, "not 32 bytes as 64 hex or 44 base64 digits",
                          "the setting");
}

void vault_done(struct vault *vault)
{
    memory_wipe(vault, sizeof(*vault));
}

/* ---- sealing
 * --------------------------------------------------------------------------------- */

/* The parts with a NUL between, which none of them holds.  False when they are too long. */
static bool write_place(const struct vault_place *place, const char *key_id, struct buffer *out)
{
    const struct span parts[] = {place->table, place->row, place->column, span_of_text(key_id)};

    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        (void)buffer_append(out, parts[i]);
        (void)buffer_append_byte(out, '\0');
    }
    return !out->failed;
}

bool vault_seal(const struct vault *vault, const struct vault_place *place, struct secret plain,
                struct buffer *out)
{
    struct span bytes = secret_reveal(plain);
    struct buffer _buffer_ aad = {.limit_bytes = 4096};
    struct buffer _buffer_ blob = {.limit_bytes = VAULT_TEXT_MOST};

    if (bytes.len > VAULT_SECRET_MAX || !write_place(place, vault->id, &aad))
        return false;
    uint8_t *at = (uint8_t *)buffer_reserve(&blob, SEALED_HEAD + bytes.len);

    random_bytes(at, GCM_NONCE_SIZE);
    gcm_seal(vault->key, at, buffer_span(&aad), bytes, at + SEALED_HEAD, at + GCM_NONCE_SIZE);
    buffer_grew(&blob, SEALED_HEAD + bytes.len);
    (void)buffer_append_format(out, SEALED_PREFIX "%s.", vault->id);
    return encode_base64(buffer_span(&blob), out);
}

static int unseal_blob(const struct vault *vault, struct span aad, struct span blob,
                       struct buffer *out)
{
    size_t size_bytes = blob.len - SEALED_HEAD;
    uint8_t head[SEALED_HEAD];
    uint8_t *room = (uint8_t *)buffer_reserve(out, size_bytes);

    if (!room)
        return -EPROTO;
    memcpy(head, blob.ptr, sizeof(head));
    if (!gcm_open(vault->key, head, aad, span_skip(blob, SEALED_HEAD), head + GCM_NONCE_SIZE,
                  room))
        return -EPROTO;
    buffer_grew(out, size_bytes);
    return 0;
}

int vault_unseal(const struct vault *vault, const struct vault_place *place, struct span sealed,
                 struct buffer *out)
{
    struct span id = span_of(sealed.ptr ? sealed.ptr + 3 : NULL, VAULT_ID_SIZE);
    size_t head = sizeof(SEALED_PREFIX) - 1 + VAULT_ID_SIZE + 1;
    struct buffer _buffer_ aad = {.limit_bytes = 4096};
    struct buffer _buffer_ blob = {.limit_bytes = VAULT_TEXT_MOST};

    if (sealed.len < head || !span_starts(sealed, SPAN(SEALED_PREFIX)) ||
        sealed.ptr[head - 1] != '.')
        return -EPROTO;
    if (!span_eq(id, span_of_text(vault->id)))
        return -ENOKEY;
    if (!write_place(place, vault->id, &aad))
        return -EPROTO;
    if (!decode_base64(span_skip(sealed, head), &blob) || blob.len < SEALED_HEAD)
        return -EPROTO;
    return unseal_blob(vault, buffer_span(&aad), buffer_span(&blob), out);
}
