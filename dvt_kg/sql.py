"""The rules as one SQL statement, by which a warehouse classifies the rows of a table of records itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import reduce

from sqlglot import exp
from sqlglot.errors import ParseError

from dvt_kg import tables
from dvt_kg.errors import UsageError
from dvt_kg.ontology import Ontology
from dvt_kg.program import Clause, Program, Term, program
from dvt_kg.records import Vocabulary
from dvt_kg.rules import FACETS, Atom, Range, Value
from dvt_kg.slots import UNKNOWN, Name, Number, Slot, State, UnknownName, choice
from dvt_kg.tables import ID, SEPARATOR

DIALECTS = ("duckdb", "spark", "postgres")
TABLE = "records"
_REFUSED = "refused"
_OF_CONTRADICTORY = "clashes"  # the list that a contradictory record has
_MOST_ARGUMENTS = 90  # PostgreSQL passes 100 to a function
_COMPARED = {">=": exp.GTE, "<=": exp.LTE, ">": exp.GT, "<": exp.LT}
_HEAD = """\
-- The rules of dvt-kg's ontology {version}, digest {digest}, for a table of records.
-- Read: the columns of 'dvt-kg template csv', one row a patient, as text without spaces around; NULL or ''
-- for unknown, ';' between names of veins, measurements as DOUBLE, DECIMAL or whole numbers. Where those
-- are text, a view has to cast them. Ids and times are taken as they stand.
-- Given: one row a patient, with ';' between the names of a list. Where a row holds something else, refused
-- names the first such column, and the row has no answer. A record that contradicts itself has the status
-- contradictory and its clashes; red flags outside the clash are not said.
"""
# PostgreSQL writes each column out wherever it is used, layer into layer, unless something stops it.
_FENCED = {"postgres": "-- OFFSET 0 keeps the layers apart; without it they run for very much longer.\n"}

Column = str | bool  # the name of a column of true and false, or what is the same of every row
Way = tuple[frozenset[str], frozenset[str]]  # to truth: all of the first columns and none of the second


def statement(
    ontology: Ontology, dialect: str, *, table: str = TABLE, columns: Collection[str] | None = None
) -> str:
    """The rules of an ontology as a SELECT over a table of records.

    :param ontology: the ontology
    :param dialect: one of :data:`DIALECTS`
    :param table: the table's name, as SQL writes it
    :param columns: the columns that the table has, all if None; what others would say is unknown
    :returns: the statement without a semicolon, below comments that say what it reads and gives
    :raises UsageError: for a dialect, table or column that there is not
    """
    if dialect not in DIALECTS:
        raise UsageError(f"there is no dialect {dialect!r}; choose {choice(DIALECTS)}")
    try:
        source = exp.to_table(table, dialect=dialect)
    except ParseError:
        raise UsageError(f"{table!r} is no name of a table; write it as SQL does") from None
    slots, rules, layers = _slots(ontology, columns), program(ontology), _Layers()
    seeds: dict[Term, Column] = {a: layers.stated(str(a), said) for a, said in _stated(rules, slots)}
    answers = _answers(rules, _concluded(rules, seeds, layers))
    query = layers.select(source, _fault(slots), answers, fenced=dialect in _FENCED)
    head = _HEAD.format(version=ontology.version, digest=ontology.digest[:16]) + _FENCED.get(dialect, "")
    return head + query.sql(dialect, pretty=True) + "\n"


def _slots(ontology: Ontology, names: Collection[str] | None) -> dict[str, Slot]:
    """The slots of the columns that a table has."""
    slots = tables.columns(Vocabulary(ontology))
    for name in names or ():
        if name not in slots and name != ID:
            raise UsageError(str(UnknownName("column", name, frozenset(slots))))
    return {name: slot for name, slot in slots.items() if names is None or name in names}


# What a record says


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _number(value: Decimal) -> exp.Expr:
    return exp.Literal.number(format(value, "f"))


def _stated(rules: Program, slots: Mapping[str, Slot]) -> Iterator[tuple[Atom, exp.Expr]]:
    """What a record can make true at once, and the condition on its columns: true or false, never NULL."""
    for name, slot in slots.items():
        column = _column(name)
        if isinstance(slot, Number):
            for atom in rules.seeds:
                if isinstance(atom, Range) and atom.property == slot.measurement.property:
                    yield atom, _within(column, atom)
        elif isinstance(slot, State | Name):
            for value, fact in sorted(slot.facts.items()):
                if fact and (stated := Value(fact.property, str(fact.value))) in rules.seeds:
                    yield stated, _says(column, slot, value)


def _within(column: exp.Column, range: Range) -> exp.Expr:
    if not range.bounds:
        return column.is_(exp.null()).not_()
    tests = [_COMPARED[FACETS[f]](this=column.copy(), expression=_number(n)) for f, n in range.bounds]
    return exp.Coalesce(this=exp.and_(*tests), expressions=[exp.false()])


def _says(column: exp.Column, slot: Name | State, value: str) -> exp.Expr:
    if slot.many:
        names = exp.Replace(this=column, expression=_text(" "), replacement=_text(""))
        within = _joined(_text(SEPARATOR), names, _text(SEPARATOR))
        place = exp.StrPosition(this=within, substr=_text(SEPARATOR + value + SEPARATOR))
        test: exp.Expr = exp.GT(this=place, expression=exp.Literal.number(0))
    else:
        test = exp.EQ(this=column, expression=_text(value))
    return exp.Coalesce(this=test, expressions=[exp.false()])


def _fault(slots: Mapping[str, Slot]) -> exp.Expr:
    """The name of the first column with a value that is not let in."""
    faults = [
        exp.Case().when(_wrong(_column(name), slot), _text(name))
        for name, slot in slots.items()
        if isinstance(slot, Number | State | Name)
    ]
    return exp.Coalesce(this=exp.cast(exp.null(), "text"), expressions=faults)


def _wrong(column: exp.Column, slot: Number | State | Name) -> exp.Expr:
    if isinstance(slot, Number):
        known = slot.measurement
        outside = column.between(_number(known.minimum), _number(known.maximum)).not_()
        return outside if known.minimum <= 0 else exp.and_(outside, column.neq(0))
    if slot.many:
        pattern = f"^( *(({'|'.join(sorted(slot.facts))}) *)?{SEPARATOR})*$"
        return exp.RegexpLike(this=_joined(column, _text(SEPARATOR)), expression=_text(pattern)).not_()
    unknown = {UNKNOWN} if isinstance(slot, Name) and slot.unknown else set()
    return column.isin(*sorted(slot.facts.keys() | unknown), "").not_()


def _joined(*parts: exp.Expr) -> exp.Expr:
    return reduce(lambda left, right: exp.DPipe(this=left, expression=right), parts)


# What follows


def _concluded(rules: Program, seeds: Mapping[Term, Column], layers: _Layers) -> dict[Term, Column]:
    """The column of each term."""
    true = dict(seeds)
    absences = Counter(
        absent for step in rules.steps for ways in step.clauses for absent in {c.absent for c in ways}
    )

    def ways(clauses: Iterable[Clause]) -> Iterator[tuple[list[Column], list[Column]]]:
        for body, absent in clauses:
            none = [true.get(term, False) for term in absent]
            if absences[absent] > 1:
                none = [layers.made("one of several", [([column], []) for column in none])]
            yield [true.get(term, False) for term in body], none

    for step in rules.steps:
        for _ in range(step.rounds):
            true |= {
                head: layers.made(str(head), [([seeds.get(head, False)], []), *ways(clauses)])
                for head, clauses in zip(step.heads, step.clauses, strict=True)
            }
    return true


class _Layers:
    """Columns of true and false in layers, SELECTs of which each reads the one before.

    A column is made once, whatever asks for it: conclusions that rest on the same share one.
    """

    def __init__(self) -> None:
        self._stated: dict[str, exp.Expr] = {}
        self._ways: dict[str, frozenset[Way]] = {}
        self._names: dict[frozenset[Way], str] = {}
        self._depths: dict[str, int] = {}
        self._meanings: dict[str, str] = {}

    def stated(self, meaning: str, said: exp.Expr) -> str:
        """The column of what a record states."""
        name = self._named(meaning, frozenset())
        self._stated[name] = said
        return name

    def made(self, meaning: str, ways: Iterable[tuple[Collection[Column], Collection[Column]]]) -> Column:
        """The column of what is true by any of several ways; what is the same of every row is left out."""
        possible = frozenset(
            (frozenset(map(str, set(body) - {True})), frozenset(map(str, set(none) - {False})))
            for body, none in ways
            if False not in body and True not in none
        )
        if not possible or (frozenset(), frozenset()) in possible:
            return bool(possible)
        if len(possible) == 1:
            ((body, none),) = possible
            if len(body) == 1 and not none:
                return next(iter(body))
        if possible not in self._names:
            self._names[possible] = self._named(meaning, possible)
        return self._names[possible]

    def _named(self, meaning: str, ways: frozenset[Way]) -> str:
        name = f"t{len(self._ways):04}"  # so that names sort
        self._ways[name] = ways
        self._meanings[name] = meaning
        self._depths[name] = max((self._depths[c] + 1 for c in _read(ways)), default=0)
        return name

    def select(
        self, source: exp.Table, fault: exp.Expr, answers: Iterable[exp.Expr], *, fenced: bool
    ) -> exp.Select:
        """The layers, and what is asked of the last."""
        query = exp.select(_column(ID), *answers, _REFUSED, copy=False)
        used = {column.name for column in query.find_all(exp.Column)}
        for name in reversed(self._ways):
            if name in used:
                used |= _read(self._ways[name])
        layers: dict[int, list[exp.Expr]] = {0: [_column(ID), exp.alias_(fault, _REFUSED)]}
        for name, ways in self._ways.items():
            if name in used:
                new = exp.alias_(self._stated.get(name) or _any(ways), name, copy=False)
                new.add_comments([f" {self._meanings[name]} "])
                layers.setdefault(self._depths[name], [exp.Star()]).append(new)
        for number, made in sorted(layers.items()):
            layer = exp.select(*made, copy=False).from_(source, copy=False)
            if fenced:
                layer = layer.offset(0, copy=False)
            query.with_(f"layer_{number}", as_=layer, copy=False)
            source = exp.to_table(f"layer_{number}")
        return query.from_(source, copy=False)


def _read(ways: Iterable[Way]) -> set[str]:
    return {column for way in ways for part in way for column in part}


def _any(ways: Iterable[Way]) -> exp.Expr:
    """Whether one of several ways leads to truth; those that rest on the same absence are put together."""
    by_absence: dict[tuple[str, ...], list[list[str]]] = {}
    for none, body in sorted((sorted(none), sorted(body)) for body, none in ways):
        by_absence.setdefault(tuple(none), []).append(body)
    groups = []
    for absent, bodies in by_absence.items():
        parts: list[exp.Expr] = [exp.column(name).not_(copy=False) for name in absent]
        if all(bodies):
            parts.insert(0, exp.or_(*(exp.and_(*map(exp.column, b), copy=False) for b in bodies), copy=False))
        groups.append(exp.and_(*parts, copy=False))
    return exp.or_(*groups, copy=False)


# What is answered


def _answers(rules: Program, true: Mapping[Term, Column]) -> Iterator[exp.Expr]:
    """The columns of an answer."""
    contradictory = _is(true[None])
    refused = exp.column(_REFUSED).is_(exp.null()).not_()
    status = exp.Case().when(refused, exp.null())
    # The contradictory first: of them other things may have been concluded too.
    for head in sorted(rules.statuses, key=lambda h: true[h] != true[None]):
        status = status.when(_is(true[head]), _text(head.value))
    yield exp.alias_(status, "status")
    for name, heads in rules.lists.items():
        whole = _list([(true[head], head.value) for head in heads])
        lists = (whole, _text("")) if name == _OF_CONTRADICTORY else (_text(""), whole)
        case = exp.Case().when(refused, exp.null()).when(contradictory, lists[0]).else_(lists[1])
        yield exp.alias_(case, name)


def _is(column: Column) -> exp.Expr:
    return exp.column(column) if isinstance(column, str) else exp.convert(column)


def _list(names: list[tuple[Column, str]]) -> exp.Expr:
    """The names whose columns are true."""
    parts: list[exp.Expr] = [exp.Case().when(_is(c), _text(name)) for c, name in names if c is not False]
    while len(parts) > _MOST_ARGUMENTS:
        parts = [
            exp.Nullif(this=_concatenated(parts[start : start + _MOST_ARGUMENTS]), expression=_text(""))
            for start in range(0, len(parts), _MOST_ARGUMENTS)
        ]
    return _concatenated(parts) if parts else _text("")


def _concatenated(parts: list[exp.Expr]) -> exp.Expr:
    # coalesce: what is NULL is left out, as each dialect's own function does.
    return exp.ConcatWs(expressions=[_text(SEPARATOR), *parts], coalesce=True)
