"""The strict fake providers themselves: each official client speaks to the fake of its own service, with
the cases of the grid; and what the fakes must refuse, they refuse."""
import pytest

from harness import cases, fakes, scenarios, sdks

# errors: as they come from the provider itself; hidden errors are no concern of a client
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CASES = [name for name in cases.CASES if name not in ("errors", "hidden_errors")]


@pytest.fixture(scope="module")
def clients(house):
    made = {}
    for dialect in fakes.DIALECTS:
        provider, _ = fakes.make(house, dialect)
        made[dialect] = sdks.CLIENTS[dialect](fakes.root(provider), "sk-test", fakes.model(dialect))
    return made


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_client_with_its_own_provider(clients, dialect, case):
    cases.CASES[case](clients[dialect], dialect)


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
def test_errors_are_those_of_the_provider(clients, dialect):
    client = clients[dialect]
    for kind in [kind for kind in client.errors if kind in scenarios.TROUBLES]:
        for stream in (False, True):
            cases.raises(client, kind, kind, stream)
