"""Text is readable on every ground of both looks (WCAG AA: 4.5 to 1; large marks 3 to 1)."""

from __future__ import annotations

import re

import pytest

from wattledger.web.pages.static import FOLDER

PAIRS = re.findall(
    r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", (FOLDER / "css" / "tokens.css").read_text()
)
LOOKS = {
    "light": {name: light for name, light, _ in PAIRS},
    "dark": {name: dark for name, _, dark in PAIRS},
}


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("ground", ["paper", "card", "rail", "hover"])
@pytest.mark.parametrize("text", ["ink", "soft"])
def test_text_is_readable(look: str, ground: str, text: str) -> None:
    assert contrast(LOOKS[look][text], LOOKS[look][ground]) >= 4.5


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("mark", ["meter", "good", "gap"])
def test_marks_stand_out_from_cards(look: str, mark: str) -> None:
    assert contrast(LOOKS[look][mark], LOOKS[look]["card"]) >= 3


@pytest.mark.parametrize("look", LOOKS)
def test_the_pressed_control_is_readable(look: str) -> None:
    assert contrast(LOOKS[look]["paper"], LOOKS[look]["ink"]) >= 4.5
