"""The metrics text parses, has types, and its counters move by what was done."""
import re

import pytest

from harness.client import RawClient
from harness.wait import until

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})?'
                    r' (-?[0-9.eE+-]+|NaN|[+-]Inf)( [0-9]+)?$')


@pytest.fixture(scope="module")
def gateway(house):
    return house.gateway()


def scrape(gateway):
    with RawClient(gateway.admin_port) as client:
        client.request("GET", "/metrics")
        answer = client.read_response("GET")
    assert answer.status == 200
    assert answer.header("content-type").startswith("text/plain")
    samples = {}
    types = {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, "a second TYPE of " + name
            types[name] = kind
        elif line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, "not a sample: %r" % line
            name, labels, value, _ = match.groups()
            assert (name, labels) not in samples, "twice: " + line
            samples[name, labels] = float(value)
            base = re.sub(r"_(bucket|sum|count|total)$", "", name)
            assert name in types or base in types, "no TYPE for " + name
    return samples, types


def total(samples, pattern):
    return sum(value for (name, labels), value in samples.items()
               if re.search(pattern, name + (labels or "")))


def test_text_parses(gateway):
    samples, types = scrape(gateway)
    assert samples and set(types.values()) <= {"counter", "gauge", "histogram", "summary", "untyped"}
    assert all(name.startswith(("aigw_", "process_")) for name, _ in samples)


def test_requests_are_counted(gateway):
    before, _ = scrape(gateway)
    for _ in range(20):
        gateway.chat("mock/echo")
    for _ in range(5):
        gateway.chat("no-such-model")

    def counted():
        after, _ = scrape(gateway)
        return (total(after, r"^aigw_requests_total") - total(before, r"^aigw_requests_total")) == 25
    until(counted, 5, "25 more requests in aigw_requests_total", every=0.1)


def test_histograms_are_cumulative(gateway):
    gateway.chat("mock/echo")
    samples, types = scrape(gateway)
    names = [name for name, kind in types.items() if kind == "histogram"]
    assert names
    for name in names:
        rows = {}
        for (sample, labels), value in samples.items():
            if sample == name + "_bucket":
                rest = re.sub(r'le="[^"]*",?', "", labels)
                edge = re.search(r'le="([^"]*)"', labels).group(1)
                rows.setdefault(rest, []).append((float(edge.replace("+Inf", "inf")), value))
        for rest, buckets in rows.items():
            values = [value for _, value in sorted(buckets)]
            assert values == sorted(values), (name, rest)
            assert sorted(buckets)[-1][0] == float("inf")
