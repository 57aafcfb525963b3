"""What a display shows, kept as a picture for a person."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib.image import imsave
from numpy import array, kron, ones, uint8

FOLDER = Path(__file__).resolve().parents[1] / "build" / "display"
SCALE = 4


def picture(frame: list[list[bool]], name: str) -> None:
    """Writes build/display/<name>.png, four times as large."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    imsave(FOLDER / f"{name}.png", kron(array(frame, uint8), ones((SCALE, SCALE), uint8)), cmap="gray", vmin=0, vmax=1)


def is_dark(frame: list[list[bool]]) -> bool:
    return not any(map(any, frame))
