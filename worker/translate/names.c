/* Names and ids that change on the way: made by the gateway, cut to what a target allows, or
 * carrying a signature. Declared in translation.h. */
#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"

#include "worker/translate/dialect.h"

#define HASH_DIGITS  8
#define FIRST_CHAINS 16
#define SIGNED_MARK  SPAN("__thought__")
#define PACKED_MARK  SPAN("aigw.")
#define TEXT_MARK    SPAN("aigw.text.")

/* ---- ids of our own -------------------------------------------------------------------- */

/* SplitMix64: spreads consecutive numbers over all of 64 bits. */
static uint64_t spread(uint64_t number)
{
    number += 0x9e3779b97f4a7c15ULL;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9ULL;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebULL;
    return number ^ (number >> 31);
}

struct text make_id(struct translation *translation, const char *prefix)
{
    struct span head = span_of_text(prefix);
    uint64_t number = spread(translation->seed + translation->made_ids++);
    char *id = arena_take_text(translation->arena, head.len + TRANSLATION_ID_BYTES);

    memcpy(id, head.ptr, head.len);
    for (unsigned i = 0; i < TRANSLATION_ID_BYTES; i += 8, number = spread(number))
        encode_base62(number >> 17, id + head.len + i, 8);
    return (struct text){id, head.len + TRANSLATION_ID_BYTES};
}

/* ---- names as the target allows them --------------------------------------------------- */

static bool plain(char c, const char *also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || (c != '\0' && strchr(also, c) != NULL);
}

static bool fits(struct text name, const char *also, size_t limit)
{
    if (name.len == 0 || name.len > limit)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!plain(name.ptr[i], also))
            return false;
    return true;
}

/* ---- both sides of names, found by either ------------------------------------------------ */

/* FNV-1a from a random start, with a stir at its end. */
static uint32_t chain_of(const struct renames *table, struct text name)
{
    uint64_t hash = 0xcbf29ce484222325ULL ^ table->seed;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3ULL;
    return (uint32_t)(spread(hash) & (table->size - 1));
}

static const struct renamed *find_ours(const struct renames *table, struct text name)
{
    const struct renamed *at = table->size ? table->ours[chain_of(table, name)] : NULL;

    while (at && !text_eq(at->ours, name))
        at = at->next_ours;
    return at;
}

static const struct renamed *find_theirs(const struct renames *table, struct text name)
{
    const struct renamed *at = table->size ? table->theirs[chain_of(table, name)] : NULL;

    while (at && !text_eq(at->theirs, name))
        at = at->next_theirs;
    return at;
}

static void link(struct renames *table, struct renamed *name)
{
    struct renamed **ours = &table->ours[chain_of(table, name->ours)];
    struct renamed **theirs = &table->theirs[chain_of(table, name->theirs)];

    name->next_ours = *ours;
    *ours = name;
    name->next_theirs = *theirs;
    *theirs = name;
}

static void grow(struct renames *table, struct arena *arena)
{
    struct renames larger = {.size = table->size ? table->size * 2 : FIRST_CHAINS,
                             .count = table->count,
                             .seed = table->seed};

    larger.ours = ARENA_ARRAY(arena, larger.size, struct renamed *);
    larger.theirs = ARENA_ARRAY(arena, larger.size, struct renamed *);
    for (uint32_t i = 0; i < table->size; i++) {
        struct renamed *next;

        for (struct renamed *at = table->ours[i]; at; at = next) {
            next = at->next_ours;
            link(&larger, at);
        }
    }
    *table = larger;
}

static void add(struct renames *table, struct renamed *name, struct arena *arena)
{
    if (table->count >= table->size)
        grow(table, arena);
    table->count++;
    link(table, name);
}

/* ---- names as the target wants them --------------------------------------------------------
 */

/* NAME with '_' for what may not stand there; longer than LIMIT or TAGGED, it ends in a hash of
 * the whole. */
static struct text cleaned(struct text name, const char *also, size_t limit, bool tagged,
                           struct arena *arena)
{
    struct span whole = text_plain(name, arena);
    bool cut = tagged || whole.len > limit;
    size_t kept = whole.len;
    char *to = arena_take_text(arena, limit + 1);

    CHECK(limit > HASH_DIGITS + 1);
    if (cut && kept > limit - HASH_DIGITS - 1)
        kept = limit - HASH_DIGITS - 1;
    for (size_t i = 0; i < kept; i++)
        to[i] = plain(whole.ptr[i], also) ? whole.ptr[i] : '_';
    if (cut) {
        uint8_t hash[32];

        hash_sha256(whole, hash);
        to[kept++] = '_';
        encode_hex(hash, HASH_DIGITS / 2, to + kept);
        kept += HASH_DIGITS;
    }
    if (kept == 0)
        to[kept++] = '_';
    return (struct text){to, kept};
}

static struct text name_out(struct renames *table, struct arena *arena, struct text name,
                            const char *also, size_t limit)
{
    const struct renamed *known = find_ours(table, name);
    struct renamed *made;

    if (known)
        return known->theirs;
    made = ARENA_NEW(arena, struct renamed);
    made->ours = name;
    made->theirs = fits(name, also, limit) ? name : cleaned(name, also, limit, false, arena);
    if (find_theirs(table, made->theirs))
        made->theirs = cleaned(name, also, limit, true, arena);
    add(table, made, arena);
    return made->theirs;
}

struct text tool_name_out(struct translation *translation, struct text name, const char *also,
                          size_t limit)
{
    return name_out(&translation->tools, translation->arena, name, also, limit);
}

struct text call_id_out(struct translation *translation, struct text id, size_t limit)
{
    return name_out(&translation->calls, translation->arena, id, "", limit);
}

struct text tool_name_back(const struct translation *translation, struct text name)
{
    const struct renamed *known = find_theirs(&translation->tools, name);

    return known ? known->ours : name;
}

/* ---- signatures under way -------------------------------------------------------------- */

struct text signature_pack(enum dialect_id origin, struct text signature,
                           enum dialect_id through, struct arena *arena)
{
    struct buffer out _buffer_ = {0};
    struct span packed;

    buffer_init(&out, SIZE_MAX);
    if (!signature.ptr || origin == through || origin == DIALECT_NONE)
        return signature;
    (void)buffer_append(&out, PACKED_MARK);
    (void)buffer_append(&out, dialect_row(origin)->name);
    (void)buffer_append_byte(&out, '.');
    (void)buffer_append(&out, span_of(signature.ptr, signature.len));
    packed = arena_copy(arena, buffer_span(&out));
    return (struct text){packed.ptr, packed.len};
}

/* MAKER.BYTES; false when there is no such maker. */
static bool maker_cut(struct text text, struct text *ret_signature, enum dialect_id *ret_origin)
{
    struct span rest = span_of(text.ptr, text.len), name;

    if (!span_cut(&rest, '.', &name) || !rest.ptr)
        return false;
    for (unsigned i = 0; i < DIALECT_COUNT; i++)
        if (span_eq(name, dialect_row((enum dialect_id)i)->name)) {
            *ret_origin = (enum dialect_id)i;
            *ret_signature = (struct text){rest.ptr, rest.len};
            return true;
        }
    return false;
}

struct text signature_unpack(struct text packed, enum dialect_id through,
                             enum dialect_id *ret_origin)
{
    struct span rest = span_of(packed.ptr, packed.len);
    struct text signature;

    *ret_origin = through;
    if (!span_starts(rest, PACKED_MARK))
        return packed;
    rest = span_skip(rest, PACKED_MARK.len);
    return maker_cut((struct text){rest.ptr, rest.len}, &signature, ret_origin) ? signature
                                                                                : packed;
}

struct text signature_pack_text(enum dialect_id origin, struct text signature,
                                struct arena *arena)
{
    struct text packed = signature_pack(origin, signature, DIALECT_NONE, arena);
    size_t mark = PACKED_MARK.len;

    if (origin == DIALECT_NONE || packed.len <= mark)
        return TEXT_NONE;
    packed = (struct text){packed.ptr + mark, packed.len - mark};
    return text_join(TEXT("aigw.text."), packed, arena);
}

bool signature_unpack_text(struct text packed, struct text *ret_signature,
                           enum dialect_id *ret_origin)
{
    struct text rest = packed;

    if (!span_starts(span_of(packed.ptr, packed.len), TEXT_MARK))
        return false;
    rest.ptr += TEXT_MARK.len;
    rest.len -= TEXT_MARK.len;
    return maker_cut(rest, ret_signature, ret_origin);
}

/* Base64 between its two alphabets (RFC 4648 4 and 5), bytes unchanged. */
static char to_url_digit(char c)
{
    return c == '+' ? '-' : c == '/' ? '_' : c;
}

static char from_url_digit(char c)
{
    return c == '-' ? '+' : c == '_' ? '/' : c;
}

struct text signed_id_pack(struct text id, struct text signature, struct arena *arena)
{
    struct span plain_signature = text_plain(signature, arena);
    char *to;
    size_t len;

    if (plain_signature.len == 0)
        return id;
    len = id.len + SIGNED_MARK.len;
    to = arena_take_text(arena, len + plain_signature.len);
    memcpy(to, id.ptr, id.len);
    memcpy(to + id.len, SIGNED_MARK.ptr, SIGNED_MARK.len);
    for (size_t i = 0; i < plain_signature.len && plain_signature.ptr[i] != '='; i++)
        to[len++] = to_url_digit(plain_signature.ptr[i]);
    return (struct text){to, len};
}

struct text signed_id_unpack(struct text id, struct arena *arena, struct text *ret_signature)
{
    size_t at = span_find(span_of(id.ptr, id.len), SIGNED_MARK);
    struct span digits;
    char *to;

    *ret_signature = TEXT_NONE;
    if (!id.ptr || at == SIZE_MAX)
        return id;
    digits = span_skip(span_of(id.ptr, id.len), at + SIGNED_MARK.len);
    to = arena_take_text(arena, digits.len + 4);
    for (size_t i = 0; i < digits.len; i++)
        to[i] = from_url_digit(digits.ptr[i]);
    for (; digits.len % 4 != 0; digits.len++)
        to[digits.len] = '=';
    *ret_signature = (struct text){to, digits.len};
    return (struct text){id.ptr, at};
}
