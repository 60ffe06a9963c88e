"""A run in progress: a folder beside the output in which each finished batch is kept.

A batch is done when its mark is written, last and in one piece, so that a run that is killed at any
moment leaves whole batches and nothing else that counts. What is published has been put together in
the folder first.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from dvt_kg.cohorts.batches import Place
from dvt_kg.errors import CohortError, UsageError

_ENDING = ".unfinished"
_IDENTITY, _LOCK, _READY = "job.json", "lock", "ready"


class Job:
    """The folder of a run.

    :param output: what the run is to write
    :param names: the names of all that it writes, the output's among them
    :param identity: what the run is of: inputs, options, versions; a run goes on only where it is the same
    :param once: what was chosen when it began, and stays
    :param resume: whether to go on with a run that was stopped
    :param overwrite: whether to throw such a run away, and the output too
    :raises UsageError: where there is an output or a stopped run and neither is said
    :raises CohortError: where another run is at work, or the inputs are not what they were
    """

    def __init__(
        self,
        output: Path,
        names: Sequence[str],
        identity: dict[str, Any],
        once: dict[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.output = output
        self.folder = output.with_name(output.name + _ENDING)
        self._lock: IO[str] | None = None
        with writing(self.folder):
            stopped = (self.folder / _IDENTITY).exists()
            there = [str(path) for name in names if os.path.lexists(path := output.with_name(name))]
            if there and not stopped and not overwrite:
                raise UsageError(f"{', '.join(map(repr, there))}: there already; --overwrite replaces it")
            if stopped and not (resume or overwrite):
                raise UsageError(
                    f"a run was stopped, and what it did is in {str(self.folder)!r};"
                    " --resume goes on with it, --overwrite begins anew"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            self._hold()
        try:
            self._begin(identity, once, go_on=stopped and resume)
        except BaseException:
            self.close()
            raise

    def _begin(self, identity: dict[str, Any], once: dict[str, Any], *, go_on: bool) -> None:
        """Compare what is there with what is given, or begin anew."""
        with writing(self.folder):
            if go_on:
                self._compare(identity)
            else:
                for path in self.folder.iterdir():
                    if path.name != _LOCK:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
                self.write(_IDENTITY, json.dumps(identity | once, indent=1))
        self.identity: dict[str, Any] = json.loads((self.folder / _IDENTITY).read_text(encoding="utf-8"))

    def _hold(self) -> None:
        """Keep every other run away from the folder."""
        self._lock = (self.folder / _LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise CohortError(
                "another run is at work on it; wait for its end", source=str(self.output)
            ) from None

    def _compare(self, identity: dict[str, Any]) -> None:
        known = json.loads((self.folder / _IDENTITY).read_text(encoding="utf-8"))
        same = json.loads(json.dumps(identity))  # tuples and lists alike
        differing = sorted(key for key in same if known.get(key) != same[key])
        if differing:
            message = (
                f"the run that was stopped had other {' and '.join(differing)};"
                " give the same, or begin anew with --overwrite"
            )
            raise CohortError(message, source=str(self.output))

    # Batches

    def save(self, number: int, tables: dict[str, pa.Table], mark: dict[str, Any]) -> None:
        """Keep a finished batch.

        :param number: its number
        :param tables: what came of it, by name
        :param mark: what else is known of it
        """
        with writing(self.folder):
            for name, table in tables.items():
                self.write_table(f"{number:06}.{name}.arrow", table)
            self.write(f"{number:06}.json", json.dumps(mark))

    def marks(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The batches that are done, by number."""
        for path in sorted(self.folder.glob("[0-9]*.json")):
            yield int(path.stem), json.loads(path.read_text(encoding="utf-8"))

    def table(self, number: int, name: str) -> pa.Table:
        """What came of a batch."""
        with pa.memory_map(str(self.folder / f"{number:06}.{name}.arrow")) as file:
            return pa.ipc.open_file(file).read_all()

    def paths(self, name: str) -> list[Path]:
        """The files of what came of every batch that is done."""
        return [self.folder / f"{number:06}.{name}.arrow" for number, _ in self.marks()]

    def resumed(self) -> tuple[int, Place, dict[int, tuple[Place, Place]]]:
        """The first batch that is not done, where it begins, and from where to where later ones reach."""
        marks = {n: (Place(*mark["from"]), Place(*mark["next"])) for n, mark in self.marks()}
        number = 0
        place = Place(0, 0)
        while number in marks:
            place = marks[number][1]
            number += 1
        return number, place, {later: reach for later, reach in marks.items() if later > number}

    def forget(self, number: int) -> None:
        """Take a batch for one that is not done: its mark goes first."""
        for name in (f"{number:06}.json", *(path.name for path in self.folder.glob(f"{number:06}.*"))):
            (self.folder / name).unlink(missing_ok=True)

    # Files

    def write(self, name: str, text: str) -> None:
        """Write a file that appears whole or not at all."""
        with self._appearing(name) as path:
            path.write_text(text, encoding="utf-8")

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a table that appears whole or not at all."""
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        with (
            self._appearing(name) as path,
            pa.OSFile(str(path), "wb") as file,
            pa.ipc.new_file(file, table.schema, options=options) as writer,
        ):
            writer.write_table(table)

    @contextlib.contextmanager
    def _appearing(self, name: str) -> Iterator[Path]:
        partial = self.folder / f"{name}.part"
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(self.folder / name)

    # The end

    @property
    def ready(self) -> list[str] | None:
        """The files that are put together, where all are."""
        path = self.folder / _READY
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def publish(self, names: Iterable[str]) -> None:
        """Move files out of the folder, the output itself last, and remove the folder.

        :param names: the files in the folder under the names that they get beside the output
        """
        with writing(self.folder):
            names = sorted(names, key=lambda name: name == self.output.name)
            self.write(_READY, json.dumps(names))
            for name in names:
                target = self.output.with_name(name)
                if (self.folder / name).exists():
                    if target.is_dir() and not target.is_symlink():
                        shutil.rmtree(target)
                    elif os.path.lexists(target):
                        target.unlink()
                    (self.folder / name).replace(target)
            (self.folder / _IDENTITY).unlink()
            self.close()
            shutil.rmtree(self.folder)

    def close(self) -> None:
        """Let other runs at the folder."""
        if self._lock:
            self._lock.close()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says against writing into an error with a remedy."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        said = getattr(error, "strerror", None) or " ".join(str(error).split())
        message = f"cannot write there ({said}); make room or mend its rights: --resume goes on where it was"
        raise CohortError(message, source=str(folder)) from None
