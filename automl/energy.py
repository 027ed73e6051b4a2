"""The joules that a fit took, where the machine counts them: its packages' energy, by the fit's share of the busy time.

Linux counts what each processor package has used (RAPL: https://docs.kernel.org/power/powercap/powercap.html), and for
how long its cores were busy (``/proc/stat``, proc_stat(5)). A fit is given the part of the energy that its processor
time is of all busy time meanwhile, so what an idle machine draws is shared among those that work on it.

What it cannot know: what discs, accelerators, and memory outside of the packages draw; that some instructions cost
more than others; whose time it was within the tick of ``/proc/stat``, some ten milliseconds. Since 2020 the counters
are root's alone (CVE-2020-8694), and containers and virtual machines rarely have them: then there is nothing to know.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

POWERCAP, STAT = Path("/sys/class/powercap"), Path("/proc/stat")
# Counters wrap: the narrowest, of 32 bits of 15 microjoules, hold 65 kJ, more than three minutes at 300 W.
LOOK_SECONDS = 60.0
# user, nice, system, irq, softirq: all that is neither idle nor another machine's.
_BUSY = (0, 1, 2, 5, 6)


@dataclass
class Package:
    """The counter of a processor package, in microjoules; it begins again at zero beyond ``most``."""

    counter: Path
    most: int
    last: int

    @classmethod
    def of(cls, folder: Path) -> "Package":
        """Return that of a powercap domain. Raises ``OSError`` or ``ValueError`` where it cannot be read."""
        counter = folder / "energy_uj"
        return cls(counter, int((folder / "max_energy_range_uj").read_text()), int(counter.read_text()))

    def used(self) -> int:
        """Return the microjoules since this was last asked."""
        now = int(self.counter.read_text())
        used = now - self.last if now >= self.last else self.most - self.last + now
        self.last = now
        return used


class Meter:
    """Adds up what this process's share of the energy comes to between each ``begin`` and ``end``.

    ``joules``: the sum so far, from what it is given on; None where the machine does not say it, or did not once.
    """

    def __init__(self, joules: float | None = 0.0, powercap: Path = POWERCAP, stat: Path = STAT) -> None:
        self.joules = joules
        self._stat = stat
        self._began: tuple[float, float] | None = None
        self._microjoules, self._looked = 0, 0.0
        try:
            self._packages = packages(powercap) if joules is not None else []
        except (OSError, ValueError):
            self._packages = []
        if not self._packages:
            self.joules = None

    def begin(self) -> None:
        """Count from here on."""
        if self.joules is not None:
            self._read(first=True)

    def look(self) -> None:
        """Read the counters if that is long ago: now and then while it counts, so that no wrap is missed."""
        if self._began is not None and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._read()

    def end(self) -> None:
        """Add what was used since ``begin``."""
        if self._began is None:
            return
        self._read()
        if self._began is not None and self.joules is not None:
            own, busy = (now - before for now, before in zip(self._times(), self._began, strict=True))
            self.joules += self._microjoules / 1e6 * (own / max(own, busy) if own > 0 else 0.0)
        self._began = None

    def _read(self, first: bool = False) -> None:
        """Take the counters on; where they can no longer be read, nothing is known any more."""
        try:
            used = sum(package.used() for package in self._packages)
            if first:
                self._microjoules, self._began = 0, self._times()
            else:
                self._microjoules += used
            self._looked = time.monotonic()
        except (OSError, ValueError):
            self.joules, self._began = None, None

    def _times(self) -> tuple[float, float]:
        """Return the seconds of processor time of this process, and of the machine."""
        ticks = self._stat.read_text().split("\n", 1)[0].split()[1:]
        busy = sum(int(ticks[i]) for i in _BUSY) / os.sysconf("SC_CLK_TCK")
        return own_seconds(), busy


def own_seconds() -> float:
    """Return the processor time of this process and of its ended children."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def packages(powercap: Path) -> list[Package]:
    """Return the counters of the processor packages: of the parts in them (cores, memory) they have it all already.

    The platform's (psys) has the packages in it, so it is none of them.
    """
    folders = sorted(folder for folder in powercap.glob("intel-rapl:*") if folder.name.count(":") == 1)
    return [Package.of(folder) for folder in folders if (folder / "name").read_text().startswith("package")]
