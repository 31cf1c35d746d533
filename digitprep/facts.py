"""What tells one run from another: all that its results depend on, each by its name.

A fact is None where something is not there that a result may want, such as a package. What wanted it is
tried again, so it may come between two runs, or go, and they are the same run all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

Facts = Mapping[str, str | None]


def agree(old: Facts, new: Facts) -> bool:
    """Whether two runs have the same facts, but for what one of them was without."""
    pairs = [(old[name], new[name]) for name in old.keys() & new.keys()]
    return old.keys() == new.keys() and all(one == other or None in (one, other) for one, other in pairs)


def joined(old: Facts, new: Facts) -> dict[str, str | None]:
    """The facts of a run that goes on: the new ones, and the old ones of what is not there now."""
    return {name: old.get(name) if fact is None else fact for name, fact in new.items()}


def difference(old: Facts, new: Facts) -> str:
    """What two runs do not have in common, in words."""
    if not old:
        return "it cannot be told which"
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return "; ".join(
        f"its {name} was {old.get(name) or 'none'}, now {new.get(name) or 'none'}" for name in names
    )
