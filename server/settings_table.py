"""The table of all settings in ``docs/settings.md``, written from the class itself.

``python -m server.settings_table`` brings the page up to date.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from server.section import variable
from server.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
BEGIN = "<!-- written by scripts/settings-table -->\n"
END = "<!-- until here -->\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value == () or field.default_factory is not None:
        return ""
    if isinstance(value, tuple):
        return " ".join(f"`{part}`" for part in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows() -> Iterator[str]:
    """The table in Markdown, a line at a time."""
    yield "| Variable | Default | Meaning |\n"
    yield "| --- | --- | --- |\n"
    for name, field in Settings.model_fields.items():
        yield f"| `{variable(name)}` | {_default(field)} | {field.description} |\n"


def renewed(page: str) -> str:
    """The page with the table as it must be today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "".join(rows()) + END + after


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
