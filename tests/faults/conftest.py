"""One stack a shape, which the tests of it share; each finds it whole."""

from collections.abc import Iterator

import pytest

from tests.faults import stacks
from tests.faults.stacks import Stack

IN_BOTH_SHAPES = [
    pytest.mark.stack,
    pytest.mark.parametrize("system", ["standard", "cluster"], indirect=True, scope="session"),
]
SHAPES = {"standard": stacks.standard, "cluster": stacks.cluster, "replicated": stacks.replicated}


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of a shape; pytest has the tests of one shape run together."""
    with SHAPES[request.param](tmp_path_factory.mktemp(request.param)) as stack:
        yield stack


@pytest.fixture
def stack(system: Stack) -> Stack:
    """The stack, whole again for each test."""
    system.heal()
    return system
