"""Parts of a page that shows results: one HTML file with everything in it, for reports of a delivery and of a rig.

Looks after frame, style and pictures; what is on the page is the template's and its caller's. Needs no network, prints,
and reads without colour.
"""

import io
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

DISCLAIMER = "Bench and research device. It is not a medical device, and it is not for use on people."


def render(template: str, folder: Path, **values: Any) -> str:
    """The page that a template of `folder` makes; it may extend "titrate/frame.html.j2". Values are escaped in HTML."""
    loaders = {"titrate": PackageLoader("titrate", "pages"), "own": FileSystemLoader(folder)}
    environment = Environment(
        loader=PrefixLoader(loaders),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment.get_template(f"own/{template}").render(disclaimer=DISCLAIMER, **values)


def number(value: float | None, digits: int = 4) -> str:
    """A value for reading: so many digits, a true minus sign, a dash for what is not there."""
    if value is None or value != value:
        return "–"
    text = f"{value:.{digits}g}"
    if "e" in text and 1 <= abs(value) < 1e9:
        text = f"{value:.0f}"
    return text.replace("-", "−").replace("inf", "∞")


def inline_svg(figure: Figure, described: str) -> Markup:
    """A picture as part of the page; `described` is what somebody hears who cannot see it. The same bytes each time."""
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": described, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    label = Markup("{}").format(described)
    return Markup(
        svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    )  # matplotlib has escaped what is in it
