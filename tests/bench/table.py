"""Rows of the bench: printed as one table, kept as JSON lines."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results.jsonl")
BUSY_CLIENT = 0.7  # share of its core above which the load client may be what is measured
HEADINGS = ("what", "ours", "baseline", "ratio", "target", "", "server CPU", "client CPU")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure: medians of its runs; `met` is None where it is only reported.

    Without a `baseline` its name says why there is none.

    `server_cpu` and `client_cpu` are shares of a core, None where nobody drives it.
    """

    name: str
    unit: str
    ours: float
    baseline: float | None = None
    baseline_name: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    server_cpu: float | None = None
    client_cpu: float | None = None
    runs: Sequence[float] = ()
    detail: dict[str, float] = field(default_factory=dict)

    def cells(self) -> tuple[str, ...]:
        """What the table shows of it."""
        verdict = "" if self.met is None else "met" if self.met else "MISSED"
        baseline = "" if self.baseline is None else f"{number(self.baseline)} "
        return (
            self.name,
            f"{number(self.ours)} {self.unit}",
            baseline + self.baseline_name,
            "" if self.ratio is None else f"{self.ratio:.3g}",
            self.target,
            verdict,
            share(self.server_cpu),
            share(self.client_cpu),
        )


def number(value: float) -> str:
    """Three digits that matter, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def share(value: float | None) -> str:
    """A share of a core in percent."""
    return "" if value is None else f"{value:.0%}"


def show(rows: Sequence[Row]) -> None:
    """Print the table and what else each row found."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    for line in lines:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
    for row in rows:
        runs = ", ".join(number(run) for run in row.runs)
        found = [f"{name} {number(value)}" for name, value in row.detail.items()]
        if runs or found:
            sys.stdout.write(f"\n{row.name}: " + "; ".join(([f"runs {runs}"] if runs else []) + found) + "\n")
        if (row.client_cpu or 0) > BUSY_CLIENT:
            sys.stdout.write(f"WARNING: the load client took {row.client_cpu:.0%} of its core: it may be the limit.\n")
    sys.stdout.write("\n")


def keep(rows: Sequence[Row]) -> None:
    """Append the rows to the file that git ignores."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with RESULTS.open("a") as file:
        file.writelines(json.dumps({"at": at, **asdict(row)}) + "\n" for row in rows)
