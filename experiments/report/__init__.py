"""Self-contained HTML reports: figures, tables and replays stand in the file itself."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import matplotlib as mpl
from matplotlib.figure import Figure

from experiments.run_folder import write_atomically


@dataclass
class Section:
    """A part of a report. Give any of text, figure, table and video; they stand in this order.

    Attributes:
        title: Heading.
        text: Paragraphs, plain.
        figure: SVG from `to_svg`.
        table: Rows of cells, the first row the heading.
        video: MP4 file that is put into the page.
        caption: Below the figure, table or video.
        is_prose: The table's cells are texts with lines of their own, not numbers.
    """

    title: str
    text: list[str] = field(default_factory=list)
    figure: str = ""
    table: list[list[str]] = field(default_factory=list)
    video: Path | None = None
    caption: str = ""
    is_prose: bool = False


def to_svg(figure: Figure) -> str:
    """Returns a figure as an SVG element: its text as paths, the same for the same figure."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "agora"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _embed(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def write_report(path: Path, title: str, lead: str, sections: list[Section]) -> None:
    """Writes one HTML file that needs no other file and no network.

    Args:
        path: Of the file.
        title: Of the page.
        lead: One or two sentences below it.
        sections: The rest.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["embed"] = _embed
    page = environment.get_template("report.html.j2").render(title=title, lead=lead, sections=sections)
    write_atomically(path, page)
