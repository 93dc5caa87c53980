/* shared/snapshot/snapshot_build.h
 *
 * Writes a snapshot: texts and tables are appended one after another, what they return is put
 * into the rows and the page, and snapshot_build_seal makes the indexes and the sealed memory
 * file.  Used by the controller and by tests; one builder makes one snapshot.
 *
 * The bytes hold credentials: snapshot_build_done wipes them.  Too much (1 GiB) makes the
 * builder failed, which snapshot_build_seal answers with -E2BIG.
 */
#ifndef SHARED_SNAPSHOT_SNAPSHOT_BUILD_H
#define SHARED_SNAPSHOT_SNAPSHOT_BUILD_H

#include "shared/base/buffer.h"
#include "shared/base/span.h"
#include "shared/snapshot/snapshot.h"

struct snapshot_builder {
    struct buffer bytes; /* begins with room for the page */
};

void snapshot_build_init(struct snapshot_builder *builder);
void snapshot_build_done(struct snapshot_builder *builder);

/* A copy of TEXT; ptr NULL gives "not there". */
struct snapshot_text snapshot_build_text(struct snapshot_builder *builder, struct span text);
/* COUNT finished rows; the macro takes their size from their type. */
struct snapshot_table snapshot_build_rows(struct snapshot_builder *builder, const void *rows,
                                          size_t count, size_t row_size);
#define SNAPSHOT_BUILD_ROWS(builder, rows, count) \
    snapshot_build_rows((builder), (rows), (count), sizeof((rows)[0]))

/* Fills what PAGE does not know (magic, version, sizes, indexes of page->keys and
 * page->models) and writes everything into a sealed memory file: its descriptor (close on
 * exec), or a negative errno; -EINVAL: the tables do not hold together. */
int snapshot_build_seal(struct snapshot_builder *builder, struct snapshot_header_page *page);

#endif
