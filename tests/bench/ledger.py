"""Are the usage records what the provider saw: each request once, none lost, none doubled?

Reads the store itself, not through aigw: a record that aigw only believes to have is none.
"""
import collections
import pathlib
import sqlite3
import time

ID_COLUMNS = ("request_id", "exchange_id", "request", "id")


def id_column(columns):
    for name in ID_COLUMNS:
        if name in columns:
            return name
    raise LookupError(f"the usage table has no column of request ids: {', '.join(columns)}")


def sqlite_ids(path):
    if not pathlib.Path(path).exists():
        return collections.Counter()
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        columns = [row[1] for row in store.execute("pragma table_info(usage)")]
        if not columns:
            return collections.Counter()
        rows = store.execute(f"select {id_column(columns)} from usage")  # a name of our own list
        return collections.Counter(row[0] for row in rows)
    finally:
        store.close()


def postgres_ids(server):
    columns = server.query("select column_name from information_schema.columns "
                           "where table_name = 'usage' order by ordinal_position").split()
    if not columns:
        return collections.Counter()
    rows = server.query(f"select {id_column(columns)} from usage")
    return collections.Counter(rows.split("\n") if rows else [])


class Comparison:
    """The provider's ids against the records."""

    def __init__(self, reached, recorded, answered=()):
        self.reached = len(reached)
        self.recorded = sum(recorded.values())
        self.lost = [i for i in reached if i not in recorded]
        self.doubled = [i for i, count in recorded.items() if count > 1]
        self.unrecorded_answers = [i for i in answered if i not in recorded]
        self.sent_again = sum(count - 1 for count in reached.values())

    def good(self):
        return self.reached > 0 and not (self.lost or self.doubled or self.unrecorded_answers)

    def text(self):
        text = (f"{self.reached:,} reached the provider, {self.recorded:,} records, "
                f"{len(self.lost)} lost, {len(self.doubled)} doubled")
        if self.unrecorded_answers:
            text += f", {len(self.unrecorded_answers)} good answers without a record"
        if self.sent_again:
            text += f", {self.sent_again} sent again"
        return text


def compare(provider, read_ids, answered=(), seconds=30.0):
    """Waits for the records to catch up, then compares; what is still missing after that is lost."""
    reached = provider.ids()
    end = time.monotonic() + seconds
    while True:
        found = Comparison(reached, read_ids(), answered)
        if found.good() or time.monotonic() > end:
            break
        time.sleep(0.5)
    time.sleep(1)  # a doubled one may come late
    return Comparison(reached, read_ids(), answered)


def answered_ids(path):
    """Ids of the answers with status 200 in a file that the load program wrote."""
    return [row.split()[0] for row in pathlib.Path(path).read_text().split("\n")
            if row.endswith(" 200") and not row.startswith("-")]
