"""Curves of training: loss, accuracy and learning rate, of one run or of several laid over each other."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import accumulate
from typing import Any

import numpy as np

from digitprep.errors import UsageError
from digitprep.extra import extra
from digitprep.nn.epoch import Epoch
from digitprep.report.lettering import font_file

# The colours of Okabe and Ito, which colour-blind readers tell apart, from dark to light, so that they
# differ in grey too; where there are more runs, the marks go on to differ.
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
Step = tuple[int, float]  # its number, from 1, and the loss of its batch
INCHES, DOTS_PER_INCH = (13, 4.6), 100
LEGEND_COLUMNS, LEGEND_ROW_INCHES = 4, 0.26


def curves(runs: Mapping[str, Iterable[Epoch]]) -> bytes:
    """The epochs of training runs by name -> PNG: loss, accuracy and learning rate of each.

    Training is dashed, validation a line, and a ring is around the best epoch. The same epochs give the
    same bytes.

    Raises UsageError where there is nothing to draw, or where some runs count steps and others epochs;
    MissingExtra without matplotlib.
    """
    matplotlib = plotting()
    histories = {name: list(history) for name, history in runs.items()}
    unit = unit_of(histories)
    with matplotlib.style.context("default"):  # whatever the user's own settings are
        figure = matplotlib.figure.Figure(INCHES, dpi=DOTS_PER_INCH)
        left, middle, right = figure.subplots(1, 3, width_ratios=(3, 3, 2))
        for number, history in enumerate(histories.values()):
            look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKS[number % len(MARKS)]}
            _draw(left, history, "loss", look)
            _draw(middle, history, "accuracy", look)
            _line(right, history, "learning_rate", {**look, "linestyle": "-"})
        for axes, title in ((left, "loss"), (middle, "accuracy"), (right, "learning rate")):
            axes.set(title=title, xlabel=unit)
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True, nbins=8))
            axes.grid(color="#dddddd")
        middle.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
        right.set_ylim(bottom=0)
        _add_legend(figure, list(histories), matplotlib)
        return _png(figure, matplotlib)


def time_curve(runs: Mapping[str, Iterable[Epoch]]) -> bytes:
    """The epochs of training runs by name -> PNG: accuracy by the seconds that training took so far.

    Raises as `curves` does.
    """
    matplotlib = plotting()
    histories = {name: list(history) for name, history in runs.items()}
    unit_of(histories)
    with matplotlib.style.context("default"):
        figure = matplotlib.figure.Figure((INCHES[0], 3.6), dpi=DOTS_PER_INCH)
        axes = figure.subplots()
        for number, history in enumerate(histories.values()):
            look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKS[number % len(MARKS)]}
            so_far = accumulate(epoch.seconds for epoch in history)
            seconds = dict(zip((epoch.number for epoch in history), so_far, strict=True))
            _draw(axes, history, "accuracy", look, partial(_seconds, so_far=seconds))
        axes.set(xlabel="seconds")
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
        axes.grid(color="#dddddd")
        _add_legend(figure, list(histories), matplotlib)
        return _png(figure, matplotlib)


def step_curve(steps: Sequence[Step]) -> bytes:
    """The loss of single batches -> PNG: each, and the mean of those around it.

    Raises UsageError where there are none, MissingExtra without matplotlib.
    """
    matplotlib = plotting()
    if not steps:
        raise UsageError("expected the loss of at least one step to draw, found none")
    numbers, losses = (np.array(column, float) for column in zip(*steps, strict=True))
    width = min(len(losses), max(1, len(losses) // 50))
    means = np.convolve(losses, np.ones(width) / width, "valid")
    with matplotlib.style.context("default"):
        figure = matplotlib.figure.Figure((INCHES[0], 3.6), dpi=DOTS_PER_INCH)
        axes = figure.subplots()
        axes.plot(numbers, losses, ".", markersize=3, color="#999999", label="a batch")
        middles = numbers[(width - 1) // 2 :][: len(means)]
        axes.plot(middles, means, color=COLOURS[0], label=f"mean of {width}")
        axes.set(xlabel="step", ylabel="loss", yscale="log" if losses.min() > 0 else "linear")
        axes.grid(color="#dddddd")
        axes.legend(frameon=False)
        figure.tight_layout()
        return _png(figure, matplotlib)


def plotting() -> Any:
    """Matplotlib with all that is used here. Raises MissingExtra where it is not installed."""
    matplotlib = extra("matplotlib.style", "drawing curves", "report")
    for module in ("figure", "ticker", "lines", "font_manager", "backends.backend_agg"):
        import_module(f"matplotlib.{module}")
    return matplotlib


def unit_of(histories: Mapping[str, Sequence[Epoch]]) -> str:
    """What all the runs count, "epoch" or "step". Raises UsageError as `curves` does."""
    empty = [name for name, history in histories.items() if not history]
    if empty or not histories:
        raise UsageError(f"{', '.join(empty) or 'curves'}: expected at least one epoch to draw, found none")
    counting = {name: history[0].steps is not None for name, history in histories.items()}
    if len(set(counting.values())) > 1:
        steps, epochs = (", ".join(n for n, by in counting.items() if by is one) for one in (True, False))
        raise UsageError(f"{steps} count steps, {epochs} epochs; draw them apart")
    return "step" if all(counting.values()) else "epoch"


def _place(epoch: Epoch) -> float:
    return epoch.number if epoch.steps is None else epoch.steps


def _seconds(epoch: Epoch, so_far: Mapping[int, float]) -> float:
    return so_far[epoch.number]


def _draw(
    axes: Any,
    history: Sequence[Epoch],
    name: str,
    look: dict[str, Any],
    place: Callable[[Epoch], float] = _place,
) -> None:
    """Training and validation of a run, with a ring around the best of the latter."""
    _line(axes, history, name, {**look, "linestyle": "--", "alpha": 0.6}, place)
    _line(axes, history, f"validation_{name}", {**look, "linestyle": "-"}, place)
    best = next((epoch for epoch in reversed(history) if epoch.best), None)
    value = getattr(best, f"validation_{name}", None)
    if best is not None and value is not None:
        axes.plot(place(best), value, "o", markersize=13, fillstyle="none", color=look["color"])


def _line(
    axes: Any,
    history: Sequence[Epoch],
    name: str,
    look: dict[str, Any],
    place: Callable[[Epoch], float] = _place,
) -> None:
    points = [(place(epoch), getattr(epoch, name)) for epoch in history if getattr(epoch, name) is not None]
    if points:
        # About a dozen marks tell the runs apart; one a point would hide a long run's line.
        axes.plot(*zip(*points, strict=True), markersize=5, markevery=-(-len(points) // 12), **look)


def _add_legend(figure: Any, names: Sequence[str], matplotlib: Any) -> None:
    """Below the curves, in room of its own: the runs where there are several, and the kinds of line."""
    line = matplotlib.lines.Line2D
    handles = [
        line([], [], color=COLOURS[number % len(COLOURS)], marker=MARKS[number % len(MARKS)])
        for number in range(len(names) if len(names) > 1 else 0)
    ]
    handles += [line([], [], color="#444444", linestyle=style) for style in ("--", "-")]
    handles += [line([], [], color="#444444", marker="o", markersize=12, fillstyle="none", linestyle="")]
    shown = [*(names if len(names) > 1 else ()), "training", "validation", "best"]
    rows = -(-len(handles) // LEGEND_COLUMNS)
    room = rows * LEGEND_ROW_INCHES + 0.2
    height = figure.get_figheight()
    figure.set_figheight(height + room)
    figure.tight_layout(rect=(0, room / (height + room), 1, 1))
    # A name is set once the legend is there: one that begins with _ would be left out, one in $ be set as
    # a formula.
    legend = figure.legend(
        handles, ["-"] * len(handles), loc="lower center", ncols=LEGEND_COLUMNS, frameon=False
    )
    for text, name in zip(legend.get_texts(), shown, strict=True):
        text.set_parse_math(False)
        drawable, file = _drawable(name, matplotlib)
        text.set_text(drawable)
        text.set_fontproperties(matplotlib.font_manager.FontProperties(fname=file, size=text.get_fontsize()))


def _drawable(text: str, matplotlib: Any) -> tuple[str, str]:
    """The text, escapes in the place of the letters that its font has no picture for, and that font."""
    manager = matplotlib.font_manager
    file, letters = manager.findfont("DejaVu Sans"), frozenset(filter(str.isprintable, text))
    face = manager.get_font(file)
    missing = frozenset(letter for letter in letters if not face.get_char_index(ord(letter)))
    other = font_file(letters) if missing else None
    if other and any(map(manager.get_font(other).get_char_index, map(ord, missing))):
        file, face = other, manager.get_font(other)
    shown = (
        letter if letter.isprintable() and face.get_char_index(ord(letter)) else ascii(letter)[1:-1]
        for letter in text
    )
    return "".join(shown), file


def _png(figure: Any, matplotlib: Any) -> bytes:
    """Without matplotlib's version, which it would note otherwise."""
    file = io.BytesIO()
    canvas = matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()
