"""The grid: every client through the gateway to a provider of every dialect, with every case of
harness/cases.py. With GRID_TABLE=FILE the outcome is written there (tests/play/compatibility)."""
import json
import os

import pytest

from harness import cases, fakes, sdks

OUTCOME = {}


TRIPLES = [(name, dialect, case) for name in sdks.CLIENTS for dialect in fakes.DIALECTS
           for case in cases.CASES if cases.applies(name, dialect, case)]


@pytest.fixture(scope="module")
def providers(house):
    return {dialect: fakes.make(house, dialect) for dialect in fakes.DIALECTS}


@pytest.fixture(scope="module")
def gateway(house, providers):
    return house.gateway(*(row for _, row in providers.values()),
                         fakes.gemini_only(providers["gemini"][0]))


@pytest.fixture(scope="module")
def client(gateway, providers):
    made = {}

    def of(name, dialect):
        if (name, dialect) not in made:
            one = made[name, dialect] = sdks.CLIENTS[name](
                "http://127.0.0.1:%d" % gateway.port, gateway.key,
                "%s/%s" % (dialect, fakes.model(dialect)))
            one.gateway, one.provider = gateway, providers[dialect][0]
        return made[name, dialect]

    return of


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    if os.environ.get("GRID_TABLE"):
        with open(os.environ["GRID_TABLE"], "w", encoding="utf-8") as file:
            json.dump([[*key, passed] for key, passed in OUTCOME.items()], file)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name,dialect,case", TRIPLES)
def test_pair(client, name, dialect, case):
    OUTCOME[name, dialect, case] = False
    cases.CASES[case](client(name, dialect), dialect)
    OUTCOME[name, dialect, case] = True
