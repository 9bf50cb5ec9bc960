"""A row of ours beside a peer's, or beside nothing where the peer cannot be had."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self, TypeVar

from tests.bench.client import Measured
from tests.bench.table import Row
from tests.servers.programs import NotInstalled

T = TypeVar("T")


def had(peer: str, fetch: Callable[[], T]) -> T | None:
    """What was fetched of a peer; None, and a line that says why, where it cannot be had."""
    try:
        return fetch()
    except NotInstalled as error:
        sys.stdout.write(f"{peer} cannot be had: {error}\n")
        return None


@dataclass(frozen=True, kw_only=True)
class Race:
    """Runs of ours and of a peer under the same load, alternating; the peer has none where it cannot be had."""

    peer: str
    ours: Sequence[Measured]
    theirs: Sequence[Measured]

    @classmethod
    def of(cls, peer: str, phase: int, ours: Sequence[list[Measured]], theirs: Sequence[list[Measured]]) -> Self:
        """The race in one phase of runs that have several."""
        return cls(peer=peer, ours=[run[phase] for run in ours], theirs=[run[phase] for run in theirs])

    def at_least(self, times: float, name: str, unit: str, value: Callable[[Measured], float]) -> Row:
        """The row of a number that is to be so many times the peer's, or more."""
        return self._row(name, unit, value, f">= {times:.3g} x", lambda ratio: ratio >= times)

    def at_most(self, times: float, name: str, unit: str, value: Callable[[Measured], float]) -> Row:
        """The row of a number that is to be so many times the peer's, or less."""
        return self._row(name, unit, value, f"<= {times:.3g} x", lambda ratio: ratio <= times)

    def _row(
        self, name: str, unit: str, value: Callable[[Measured], float], target: str, holds: Callable[[float], bool]
    ) -> Row:
        ours, theirs = [value(one) for one in self.ours], [value(one) for one in self.theirs]
        ratio = median(ours) / median(theirs) if theirs else None
        return Row(
            name=name,
            unit=unit,
            ours=median(ours),
            baseline=median(theirs) if theirs else None,
            baseline_name=f"{unit} {self.peer}" if theirs else f"{self.peer} cannot be had",
            ratio=ratio,
            target=target,
            met=None if ratio is None else holds(ratio),
            server_cpu=median(one.server_cpu / one.seconds for one in self.ours),
            client_cpu=max(one.client_cpu / one.seconds for one in (*self.ours, *self.theirs)),
            runs=ours,
            detail={f"{self.peer} in run {number}": one for number, one in enumerate(theirs, 1)} | self._shares(),
        )

    def _shares(self) -> dict[str, float]:
        if not self.theirs:
            return {}
        return {f"{self.peer}, server CPU %": 100 * median(one.server_cpu / one.seconds for one in self.theirs)}
