/* supervisor/keys/keys.h
 *
 * Gateway keys in the store: made, listed, rotated, disabled, expired, revoked.  The secret
 * part is never stored, only its SHA-256; the whole key is known once, to who made it.  All
 * calls block (see store.h) and return 0 or a negative errno: those of the store, and -ENOENT
 * there is no key of that id -EPERM    the key is revoked; that is for ever -EINVAL   a name
 * that is empty or over KEY_NAME_MAX bytes
 */
#ifndef SUPERVISOR_KEYS_KEYS_H
#define SUPERVISOR_KEYS_KEYS_H

#include "shared/base/arena.h"
#include "shared/base/hash.h"
#include "shared/base/key_text.h"

#include "supervisor/store/store.h"

#define KEY_NAME_MAX 200

enum key_row_flag { /* the same bits as enum key_flag in the snapshot */
    KEY_ROW_DISABLED = 1,
    KEY_ROW_REVOKED = 2
};

struct key_row {
    struct span id; /* KEY_TEXT_ID_SIZE bytes */
    struct span name;
    struct span last4;         /* of the whole key */
    struct span models;        /* JSON array of model names; not there: all models */
    int64_t created_ms;        /* wall */
    int64_t expires_ms;        /* wall; 0: never */
    int64_t previous_until_ms; /* wall; 0: no older secret is valid */
    uint32_t flags;            /* enum key_row_flag */
    uint64_t tenant, team, user;
    uint8_t secret_hash[SHA256_SIZE];
    uint8_t previous_hash[SHA256_SIZE]; /* zeros when there is none */
};

struct key_wanted {
    struct span name;
    struct span models; /* JSON array text, checked by the caller; not there: all models */
    int64_t expires_ms; /* 0: never */
    uint64_t tenant, team, user;
};

/* Every key, oldest first; the row's texts live until the function returns. */
typedef void key_row_f(void *who, const struct key_row *row);
int key_row_each(struct store *store, key_row_f *function, void *who);

/* One key; its texts are copied into ARENA. */
int key_row_find(struct store *store, struct span id, struct arena *arena, struct key_row *ret);

/* A new key; its whole text goes to RET_KEY, which the caller wipes. */
int key_row_create(struct store *store, const struct key_wanted *wanted, int64_t now_ms,
                   struct arena *arena, struct key_row *ret, char ret_key[KEY_TEXT_SIZE + 1]);

/* Name, models, end and owners of a key that is not revoked become what WANTED says. */
int key_row_change(struct store *store, struct span id, const struct key_wanted *wanted);

/* A new secret under the same id; the old one stays valid for GRACE_MS (0: not at all). */
int key_row_rotate(struct store *store, struct span id, int64_t grace_ms, int64_t now_ms,
                   struct arena *arena, struct key_row *ret, char ret_key[KEY_TEXT_SIZE + 1]);

int key_row_disable(struct store *store, struct span id);
int key_row_enable(struct store *store, struct span id);
int key_row_revoke(struct store *store, struct span id);
/* EXPIRES_MS 0: never. */
int key_row_expire(struct store *store, struct span id, int64_t expires_ms);

/* "active", "disabled", "revoked" or "expired". */
const char *key_row_state(const struct key_row *row, int64_t now_ms);

#endif
