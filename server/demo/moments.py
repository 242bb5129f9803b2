"""When things happened: on earlier working days, or a while ago, as seen from now."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day some working days ago, or, with none of these, so many minutes ago."""

    workdays: int = 0
    clock: str = ""
    minutes: float = 0

    def before(self, now: datetime) -> datetime:
        """The moment itself; in the zone of ``now``."""
        if not self.workdays:
            return now - timedelta(minutes=self.minutes)
        day = now.date()
        for _ in range(self.workdays):
            day -= timedelta(days=3 if day.weekday() == 0 else 2 if day.weekday() == 6 else 1)
        return datetime.combine(day, time.fromisoformat(self.clock), now.tzinfo)


def day(workdays: int, clock: str) -> Moment:
    """At this time of day (not after 20:00), so many working days before today."""
    return Moment(workdays=workdays, clock=clock)


def ago(minutes: float) -> Moment:
    """So many minutes ago (not more than 200, which is never before 20:00 the day before)."""
    return Moment(minutes=minutes)
