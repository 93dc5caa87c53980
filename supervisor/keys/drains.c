#include "supervisor/keys/drains.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "supervisor/keys/accounts.h"

struct each {
    drain_row_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;

    CHECK(count == 1);
    each->function(each->who, values[0].text);
}

int drains_each(struct store *store, drain_row_f *function, void *who)
{
    struct each each = {function, who};
    int64_t rows = store_run(store, "select name from provider_drains order by name", NULL, 0,
                             give, &each);

    return rows < 0 ? (int)rows : 0;
}

int drains_set(struct store *store, struct span name, bool drained, int64_t now_ms)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(name), STORE_NUMBER_VALUE(now_ms)};
    int64_t rows;

    if (name.len == 0 || name.len > ACCOUNT_NAME_MAX || memchr(name.ptr, '\0', name.len) ||
        !utf8_valid(name))
        return -EINVAL;
    rows = drained
               ? store_change(store,
                              "insert into provider_drains (name, drained_ms) values ($1, $2) "
                              "on conflict (name) do nothing",
                              values, 2)
               : store_change(store, "delete from provider_drains where name = $1", values, 1);
    return (int)rows;
}
