"""Inputs: files, folders of parts and tables of databases, as the parts of one cohort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dvt_kg.cohorts import texts
from dvt_kg.cohorts.batches import Part
from dvt_kg.cohorts.typed import Parquet, Table
from dvt_kg.errors import CohortError, UsageError
from dvt_kg.records import Layout

DATABASES = ("duckdb:", "postgresql:", "postgres:")
READERS: dict[str, type[Parquet | texts.Csv | texts.JsonLines]] = {".parquet": Parquet, **texts.READERS}


def parts(inputs: Iterable[str | Path], layout: Layout, *, mixed: bool = False) -> list[Part]:
    """The parts of a cohort, each looked into.

    :param inputs: files, folders of files, or tables of databases
    :param layout: how a table spells the places of a record
    :param mixed: whether parts may have different columns; what a part lacks is unknown there
    :raises UsageError: where there is nothing, or a file has an ending that no reader knows
    :raises CohortError: where a part cannot be read, or parts have different columns
    """
    found: list[Part] = []
    for given in inputs:
        if str(given).startswith(DATABASES):
            found.append(Table(str(given), layout))
        elif _is_folder(Path(given)):
            files = sorted(f for f in Path(given).rglob("*") if f.is_file() and f.name[0] not in "._")
            if not files:
                raise UsageError(f"the folder {str(given)!r} holds no file")
            found += [_file(file, layout) for file in files]
        else:
            found.append(_file(Path(given), layout))
    if not mixed:
        _compare(found)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise CohortError(f"it cannot be read ({error.strerror})", source=str(path)) from None


def keep_apart(sources: Iterable[str | Path], outputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, or lies in a folder that is read.

    :raises UsageError: with the remedy
    """
    targets = {output.resolve(): output for output in outputs}
    for given in sources:
        if not str(given).startswith(DATABASES):
            source = Path(given).resolve()
            for target, output in targets.items():
                if source == target or (source in target.parents and _is_folder(source)):
                    raise UsageError(f"{str(output)!r} is in the input {str(given)!r}; write it elsewhere")


def _file(path: Path, layout: Layout) -> Part:
    suffixes = [s.lower() for s in path.suffixes]
    ending = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in texts.PACKED else (suffixes or [""])[-1]
    if ending not in READERS or (ending == ".parquet" and suffixes[-1] in texts.PACKED):
        known = ", ".join(READERS)
        hint = "; a list of records as JSON has to be one record a line" if ending == ".json" else ""
        packed = "all but the first with .gz or .zst behind it"
        raise UsageError(f"{str(path)!r} does not end in one of {known}, {packed}{hint}")
    return READERS[ending](path, layout)


def _compare(found: Sequence[Part]) -> None:
    """Refuse parts whose columns differ: a column that is gone would silently be unknown."""
    first = next((part for part in found if part.columns), None)
    for part in found:
        if first is None or part.columns is None or first.columns is None:
            continue
        mine, theirs = first.columns, part.columns
        lacking, more = sorted(mine.keys() - theirs.keys()), sorted(theirs.keys() - mine.keys())
        other = sorted(
            f"{name!r} ({mine[name]}, here {theirs[name]})"
            for name in mine.keys() & theirs.keys()
            if type(first) is type(part)
            and mine[name] != theirs[name]
            and "nothing" not in (mine[name], theirs[name])
        )
        said = [
            *([f"lacks {_listed(lacking)}"] if lacking else []),
            *([f"has {_listed(more)} besides"] if more else []),
            *([f"has other kinds of values in {', '.join(other[:5])}"] if other else []),
        ]
        if said:
            raise CohortError(
                f"its columns are not those of {first.name}: it {' and '.join(said)};"
                " mend it, or say --mixed-columns where what a part lacks is unknown",
                source=part.name,
            )


def _listed(names: Sequence[str]) -> str:
    most = ", ".join(map(repr, names[:5]))
    return most + (f" and {len(names) - 5} more" if len(names) > 5 else "")
