"""The grid: every client through the gateway to a provider of every dialect, with every case of
harness/cases.py. With GRID_TABLE=FILE the outcome is written there (tests/play/compatibility)."""
import json
import os

import pytest

from harness import cases, fakes, sdks

OUTCOME = {}


@pytest.fixture(scope="module")
def gateway(house):
    rows = [fakes.make(house, dialect)[1] for dialect in fakes.DIALECTS]
    return house.gateway(*rows)


@pytest.fixture(scope="module")
def client(gateway):
    made = {}

    def of(name, dialect):
        if (name, dialect) not in made:
            made[name, dialect] = sdks.CLIENTS[name](
                "http://127.0.0.1:%d" % gateway.port, gateway.key,
                "%s/%s" % (dialect, fakes.model(dialect)))
        return made[name, dialect]

    return of


@pytest.fixture(scope="module", autouse=True)
def table():
    yield
    if os.environ.get("GRID_TABLE"):
        with open(os.environ["GRID_TABLE"], "w", encoding="utf-8") as file:
            json.dump([[*key, passed] for key, passed in OUTCOME.items()], file)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", cases.CASES)
@pytest.mark.parametrize("dialect", fakes.DIALECTS)
@pytest.mark.parametrize("name", sdks.CLIENTS)
def test_pair(client, name, dialect, case):
    OUTCOME[name, dialect, case] = False
    cases.CASES[case](client(name, dialect), dialect)
    OUTCOME[name, dialect, case] = True
