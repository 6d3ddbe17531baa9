"""Curves as pictures beside the model; the drawing itself stands with the other pictures of cards and reports."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dataset_cards.cards import curves as pictures

from .outcome import Plot


def draw(plot: Plot, curves: Sequence[Mapping[str, float]]) -> str:
    """An SVG file of `plot`; points are joined in the order of the curves. Without any point, it says so."""
    return pictures.draw(asdict(plot), curves)
