"""What a run counted, and every breach it found."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts by what was counted, sentences of what was wrong, and how long the slowest of something took."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)

    def slowest(self, what: str, seconds: float) -> None:
        """Keep the longest time that something took."""
        self.longest[what] = max(seconds, self.longest.get(what, 0))

    def say(self) -> str:
        """One line."""
        said = [f"{number:,} {what}" for what, number in self.counts.items()]
        said += [f"slowest {what} {seconds:.1f} s" for what, seconds in self.longest.items()]
        return ", ".join([*said, f"{len(self.wrong)} breaches"])
