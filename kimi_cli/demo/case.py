"""What the demo's conversation is about: a file whose facts nobody can guess, in a directory of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.demo.model import answer_for, fact_for, prompt_for

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

FILE_NAME: Final = "note.txt"
_NUMBERS: Final = (100_000, 999_999)
_LINES: Final = (20, 80)


@dataclass(frozen=True, slots=True)
class Case:
    """The file, and the two facts in it: a number on one of its lines, and how many lines it has."""

    file: Path
    number: int
    lines: int

    @property
    def prompt(self) -> str:
        """What the client is told to do."""
        return prompt_for(self.file)

    @property
    def answer(self) -> str:
        """What must come out."""
        return answer_for(number=str(self.number), lines=str(self.lines))


def write_case(folder: Path, *, random: Random) -> Case:
    """Draws the facts and writes the file."""
    case = Case(file=folder / FILE_NAME, number=random.randint(*_NUMBERS), lines=random.randint(*_LINES))
    texts = [f"Line {line} of a note that `kimi demo` wrote." for line in range(1, case.lines + 1)]
    texts[random.randrange(case.lines)] = fact_for(case.number)
    case.file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n")
    return case
