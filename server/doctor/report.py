"""What the doctor found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about one subject; it holds no secret."""

    subject: str
    level: Literal["ok", "warning", "problem"]
    line: str

    @property
    def ok(self) -> bool:
        """Whether things can go on like this; a warning does not stop anybody."""
        return self.level != "problem"


class Report:
    """The findings about one subject, as they are made."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.findings: list[Finding] = []

    def fine(self, line: str) -> None:
        """It is as it should be."""
        self.findings.append(Finding(self.subject, "ok", line))

    def warn(self, line: str) -> None:
        """It works and is hardly what was meant."""
        self.findings.append(Finding(self.subject, "warning", line))

    def wrong(self, line: str) -> None:
        """It does not work."""
        self.findings.append(Finding(self.subject, "problem", line))
