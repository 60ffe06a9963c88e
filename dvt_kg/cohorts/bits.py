"""The program of the rules run over columns of bits, one bit a patient: NumPy's part of the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dvt_kg.program import Program, Term

Bits = NDArray[np.uint64]
Flags = NDArray[np.bool_]


def packed(flags: Flags) -> Bits:
    """Flags as bits, filled up to whole words."""
    found = np.zeros(-(-len(flags) // 64), np.uint64)
    found.view(np.uint8)[: -(-len(flags) // 8)] = np.packbits(flags)
    return found


def unpacked(bits: Bits, rows: int) -> NDArray[np.uint8]:
    """Bits as zeros and ones, one for each row; of several columns the last axis."""
    return np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), axis=-1)[..., :rows]


class Machine:
    """A program made ready to be run over any number of tables.

    >>> from dvt_kg.ontology import load
    >>> from dvt_kg.program import program
    >>> from dvt_kg.rules import Value
    >>> machine = Machine(program(load()))
    >>> both = packed(np.array([True, False]))
    >>> found = machine.run({Value("hasFinding", "cyanosis"): both}, 2)
    >>> unpacked(found[Value("hasFinding", "moderate-or-severe-symptom")], 2).tolist()
    [1, 0]
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def _places(self) -> dict[Term, int]:
        """The register of each term."""
        terms = [*self.program.seeds, *(head for step in self.program.steps for head in step.heads)]
        return {term: place for place, term in enumerate(dict.fromkeys(terms))}

    @cached_property
    def _steps(self) -> list[tuple[int, list[tuple[int, list[tuple[list[list[int]], list[int]]]]]]]:
        """The rounds of each step, and for each head its clauses, those of equal absence together."""
        places = self._places
        steps = []
        for step in self.program.steps:
            heads = []
            for head, clauses in zip(step.heads, step.clauses, strict=True):
                by_absence: dict[frozenset[Term], list[list[int]]] = {}
                for clause in clauses:
                    if all(term in places for term in clause.body):  # else it can never be true
                        by_absence.setdefault(clause.absent, []).append([places[t] for t in clause.body])
                groups = [
                    (bodies, [places[t] for t in absent if t in places])
                    for absent, bodies in by_absence.items()
                ]
                heads.append((places[head], groups))
            steps.append((step.rounds, heads))
        return steps

    def run(self, seeds: Mapping[Term, Bits], rows: int) -> dict[Term, Bits]:
        """All that follows.

        :param seeds: the rows of which each recorded fact is true; what is left out is true of none
        :param rows: how many patients
        :returns: for each seed and each conclusion the rows of which it is true; the bits beyond the
            last row mean nothing
        """
        places = self._places
        true = np.zeros((len(places), -(-rows // 64)), np.uint64)
        alive = [False] * len(places)  # whether a term is true of any row at all
        for term, bits in seeds.items():
            if term in places:
                true[places[term]] = bits
                alive[places[term]] = True
        some, all_ = np.empty_like(true[0]), np.empty_like(true[0])
        for rounds, heads in self._steps:
            for _ in range(rounds):
                for head, groups in heads:
                    for bodies, absent in groups:
                        if self._any(bodies, true, alive, some, all_):
                            for place in absent:
                                if alive[place]:
                                    np.bitwise_and(some, ~true[place], out=some)
                            np.bitwise_or(true[head], some, out=true[head])
                            alive[head] = True
        return {term: true[place] for term, place in places.items()}

    @staticmethod
    def _any(
        bodies: Sequence[Sequence[int]],
        true: NDArray[np.uint64],
        alive: Sequence[bool],
        some: Bits,
        all_: Bits,
    ) -> bool:
        """Put the rows of which any body is true into ``some``; whether there can be one."""
        found = False
        for body in bodies:
            if not all(alive[place] for place in body):
                continue
            if not found:
                some.fill(0)
                found = True
            if not body:
                some.fill(np.uint64(0xFFFFFFFFFFFFFFFF))
            elif len(body) == 1:
                np.bitwise_or(some, true[body[0]], out=some)
            else:
                np.bitwise_and(true[body[0]], true[body[1]], out=all_)
                for place in body[2:]:
                    np.bitwise_and(all_, true[place], out=all_)
                np.bitwise_or(some, all_, out=some)
        return found
