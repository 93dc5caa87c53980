#include "supervisor/configure/choices.h"

#include <stdlib.h>

#include "shared/base/memory.h"

struct choices {
    struct choice *rows;
    uint32_t count, size;
};

static bool is_among(struct settings_list names, struct span name)
{
    for (uint32_t i = 0; i < names.count; i++)
        if (span_eq(((const struct span *)names.rows)[i], name))
            return true;
    return false;
}

/* "NAME", or "BEGINNING*". */
static bool matches(struct settings_list patterns, struct span name)
{
    for (uint32_t i = 0; i < patterns.count; i++) {
        struct span pattern = ((const struct span *)patterns.rows)[i];
        bool open = span_ends(pattern, SPAN("*"));

        if (open ? span_starts(name, span_of(pattern.ptr, pattern.len - 1))
                 : span_eq(name, pattern))
            return true;
    }
    return patterns.count == 0;
}

static bool fits(const struct settings_model_auto *wanted, const struct catalogue_model *known,
                 struct span name)
{
    return known && !(known->capabilities & CAPABILITY_embeddings) &&
           (wanted->needs & ~known->capabilities) == 0 && known->context >= wanted->context &&
           matches(wanted->models, name);
}

static uint64_t cost_of(const struct catalogue_model *known)
{
    const struct price_sheet *sheet = known->price.rows;
    uint64_t sum;

    if (!sheet || sheet->rates[PRICE_input] == PRICE_NOT_GIVEN ||
        sheet->rates[PRICE_output] == PRICE_NOT_GIVEN ||
        __builtin_add_overflow(sheet->rates[PRICE_input], sheet->rates[PRICE_output], &sum))
        return UINT64_MAX;
    return sum;
}

static void add(struct choices *choices, const struct choice *choice)
{
    if (choices->count == choices->size) {
        choices->size = choices->size > 0 ? choices->size * 2 : 64;
        choices->rows = memory_resize(choices->rows, choices->size * sizeof(*choice));
    }
    choices->rows[choices->count++] = *choice;
}

static void add_account(struct choices *choices, const struct account_list *accounts,
                        uint32_t index, const struct settings_model_auto *wanted)
{
    const struct account *account = &accounts->rows[index];
    struct span name;

    /* The built-in one is a toy, which nobody wants by chance. */
    if (wanted->providers.count > 0 ? !is_among(wanted->providers, account->name)
                                    : account->kind->mock)
        return;
    for (uint32_t i = 0; (name = account_model(account, i)).ptr; i++) {
        const struct catalogue_model *known =
            catalogue_find(account->catalogue, account->kind, name);

        if (fits(wanted, known, name))
            add(choices, &(struct choice){index, name, cost_of(known), known});
    }
}

/* Of equal cost in the order of accounts and their models. */
static int compare(const void *left, const void *right)
{
    const struct choice *a = left, *b = right;

    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    if (a->account != b->account)
        return a->account < b->account ? -1 : 1;
    return (a->known > b->known) - (a->known < b->known);
}

uint32_t choices_gather(const struct account_list *accounts,
                        const struct settings_model_auto *wanted,
                        struct choice ret[SNAPSHOT_TARGETS_MAX])
{
    struct choices choices = {.rows = NULL};
    uint32_t count;

    for (uint32_t i = 0; i < accounts->count; i++)
        add_account(&choices, accounts, i, wanted);
    if (choices.count > 1)
        qsort(choices.rows, choices.count, sizeof(choices.rows[0]), compare);
    count = choices.count < SNAPSHOT_TARGETS_MAX ? choices.count : SNAPSHOT_TARGETS_MAX;
    if (count > 0)
        memcpy(ret, choices.rows, count * sizeof(ret[0]));
    memory_free(choices.rows);
    return count;
}
