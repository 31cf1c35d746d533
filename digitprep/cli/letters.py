"""Other people's names in a terminal: nothing in them moves its cursor, and columns stay columns."""

from __future__ import annotations

import unicodedata

# Letters that are not drawn, but that Persian, Indian scripts and emoji are spelt with.
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
# Control characters, marks that turn the direction of writing, halves of letters, and ends of lines.
ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")


def shown(text: str) -> str:
    r"""A text with escapes such as \x1b, \n and \u202e in the place of what is no letter but a command."""
    if text.isprintable():
        return text
    return "".join(ascii(letter)[1:-1] if _is_command(letter) else letter for letter in text)


def _is_command(letter: str) -> bool:
    return unicodedata.category(letter) in ESCAPED and letter not in JOINERS


def right(text: str, cells: int) -> str:
    """A text as `shown`, to the right of so many cells; of a longer one both ends, as names differ there.

    A Chinese letter takes two cells of a terminal, an accent none.
    """
    from rich.cells import cell_len, set_cell_size

    text = shown(text)
    if cell_len(text) > cells:
        end = (cells - 1) // 2
        start, last = set_cell_size(text, cells - 1 - end), set_cell_size(text[::-1], end)[::-1]
        text = f"{start.rstrip()}…{last.lstrip()}"
    return " " * (cells - cell_len(text)) + text


def cells_of(text: str) -> int:
    """How many cells of a terminal a text takes as `shown`."""
    from rich.cells import cell_len

    return cell_len(shown(text))
