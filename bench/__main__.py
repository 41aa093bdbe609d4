"""`python -m bench`: what the proxy and a launch cost, beside floors that are measured in the same run.

python -m bench                    everything, on the terminal
python -m bench --write            everything, into bench/RESULTS.md (make bench)
python -m bench chunks paced       only these
python -m bench --quick            fewer and shorter runs, to see that all of it works
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bench import chunks, first_token, history, launch, memory
from bench.child import BenchError
from bench.figures import FULL, QUICK, Findings
from bench.report import show, write
from bench.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.figures import Effort
    from bench.stage import Stage

MEASUREMENTS: Final[Mapping[str, Callable[[Stage, Effort, Findings], None]]] = {
    "chunks": chunks.bursts,
    "paced": chunks.paced,
    "first-token": first_token.first_token,
    "memory": memory.memory,
    "history": history.history,
    "streams": chunks.streams,
    "version": launch.version,
    "launch": launch.launch,
}
_BUSY: Final = 0.25
"""Load for each core from which on the machine has something else to do."""


def main(argv: Sequence[str]) -> int:
    """Measures, prints, and gives the exit status; a target that is missed is none of its business."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--runs", type=int, help=f"how many runs (usually {FULL.runs})")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md and its plots")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in MEASUREMENTS]:
        parser.error(f"there is no measurement {unknown[0]!r}; there are {', '.join(MEASUREMENTS)}")
    if given.write and (given.names or given.quick):
        parser.error("only a full run is written")
    effort = QUICK if given.quick else FULL
    effort = replace(effort, runs=given.runs) if given.runs else effort
    try:
        findings = measure(given.names or MEASUREMENTS, effort)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    show(findings)
    if given.write:
        write(findings, runs=effort.runs)
    return 0


def measure(names: Sequence[str] | Mapping[str, object], effort: Effort) -> Findings:
    """What the named measurements find.

    Raises:
        BenchError: one of them could not be made.
    """
    findings = Findings()
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    if busy > _BUSY:
        findings.doubts.append(f"The machine was busy with other things when this began: {busy:.1f} for each core.")
    with stage() as on:
        for name in names:
            sys.stderr.write(f"{name} …\n")
            MEASUREMENTS[name](on, effort, findings)
    return findings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
