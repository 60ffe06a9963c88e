"""What a cohort reads: the same records in every format, and refused what the readers refuse."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dvt_kg import CohortError, RecordError, UsageError, read_text
from dvt_kg.cohorts import texts
from dvt_kg.cohorts.rejects import FURTHER
from dvt_kg.cohorts.run import Options, cohort
from dvt_kg.slots import State

from .cohorts import SLOTS, Row, expected, said, table, tabular, write
from .strategies import ONTOLOGY

PATIENTS = tabular(60, seed=41)
QUIET = Options(audit=0, page=False, overwrite=True)


def ran(*sources: Path | str, folder: Path, options: Options = QUIET) -> tuple[list[Row], list[Row]]:
    """The answers and the rejects of a run."""
    output = folder / "answers.parquet"
    summary = cohort(sources, output, ONTOLOGY, options=options)
    answers = pq.read_table(output).to_pylist()
    rejects = pq.read_table(folder / "answers.rejects.parquet").to_pylist()
    assert summary["rows"] == len(answers) + len(rejects)
    assert (summary["answered"], summary["rejected"]) == (len(answers), len(rejects))
    return answers, rejects


def of_csv(text: str | bytes, folder: Path, name: str = "ward.csv") -> tuple[list[Row], list[Row]]:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return ran(file, folder=folder)


# The same in every format


def _database(path: Path) -> str:
    given = table(PATIENTS)
    with duckdb.connect(str(path)) as connection:
        connection.register("given", given)
        connection.execute(
            'CREATE SCHEMA hospital; CREATE TABLE hospital."the patients" AS SELECT * FROM given'
        )
    return f'duckdb:{path}#hospital."the patients"'


def _packed(path: Path, how: str) -> Path:
    plain = write(path.with_name(path.name.removesuffix(path.suffix)), PATIENTS)
    with pa.OSFile(str(path), "wb") as file, pa.CompressedOutputStream(file, how) as out:
        out.write(plain.read_bytes())
    return path


@pytest.mark.parametrize(
    "source",
    [
        lambda folder: write(folder / "ward.parquet", PATIENTS),
        lambda folder: write(folder / "ward.csv", PATIENTS),
        lambda folder: write(folder / "ward.ndjson", PATIENTS),
        lambda folder: write(folder / "ward.JSONL", PATIENTS),
        lambda folder: _packed(folder / "ward.csv.gz", "gzip"),
        lambda folder: _packed(folder / "ward.ndjson.zst", "zstd"),
        lambda folder: _packed(folder / "ward.csv.zst", "zstd"),
        lambda folder: _database(folder / "ward.db"),
    ],
    ids=["parquet", "csv", "ndjson", "jsonl", "csv.gz", "ndjson.zst", "csv.zst", "duckdb"],
)
def test_every_format_gives_the_same_answers(source: Callable[[Path], Path | str], tmp_path: Path) -> None:
    answers, rejects = ran(source(tmp_path), folder=tmp_path)
    assert not rejects
    assert sorted(said(answers), key=lambda row: row["id"]) == sorted(
        expected(PATIENTS), key=lambda row: row["id"]
    )


def test_a_folder_is_read_part_by_part_in_the_order_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    (folder / "deeper").mkdir(parents=True)
    pq.write_table(table(PATIENTS[:20]), folder / "a.parquet")
    pq.write_table(table(PATIENTS[20:40]), folder / "b.parquet")
    pq.write_table(table(PATIENTS[40:]), folder / "deeper" / "c.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".b.crc").touch()
    answers, _ = ran(folder, folder=tmp_path)
    assert said(answers) == expected(PATIENTS)


def test_a_table_with_quotation_marks_is_read_like_one_without(tmp_path: Path) -> None:
    plain = "id,tense-edema,sex\na,present,male\nb,,female\n\nc,absent,unknown\n"
    quoted = '"id","tense-edema","sex"\r\n"a","present","male"\r\n"b","","female"\r\n,,\r\n'
    quoted += '"c","absent",unknown\r\n'
    mixed = 'id;tense-edema;sex\n a ; present;male\n"b"; ;"female"\n"c";"absent"\n'
    assert of_csv(plain, tmp_path) == of_csv(quoted, tmp_path) == of_csv(mixed, tmp_path)


def test_a_row_of_empty_cells_is_no_row_with_or_without_quotation_marks(tmp_path: Path) -> None:
    lines = ["id,sex\n", "a,male\n", '"",""\n', '" ",\n', ",\n", "b,male\n"]
    for text in ("".join(lines), "".join([*lines[:2], '"torn', "\n", *lines[2:]])):
        answers, _ = of_csv(text, tmp_path)
        assert [row["id"] for row in answers] == ["a", "b"]


def test_many_broken_lines_below_a_torn_cell_take_no_longer_for_each(tmp_path: Path) -> None:
    text = 'id,sex\n"torn\n' + '"b" x,male\n' * 30_000 + "a,male\n"
    answers, rejects = of_csv(text, tmp_path)
    assert ([row["id"] for row in answers], len(rejects)) == (["a"], 30_001)


def test_a_row_with_very_many_faults_says_some_of_them(tmp_path: Path) -> None:
    names = sorted(name for name in SLOTS if isinstance(SLOTS[name], State))
    answers, (reject,) = of_csv(f"id,{','.join(names)}\na{',yes' * len(names)}\n", tmp_path)
    assert not answers
    assert reject["further"][-1] == f"and {len(names) - 1 - FURTHER} more"
    assert len(reject["further"]) == FURTHER + 1


def test_a_cell_may_run_over_lines(tmp_path: Path) -> None:
    text = 'id,tense-edema\nbefore,present\n"two\nlines",present\nafter,absent\n'
    answers, rejects = of_csv(text, tmp_path)
    assert [row["id"] for row in answers] == ["before", "after"]
    assert [(r["line"], r["message"]) for r in rejects] == [
        (3, "the id has a control character in it; remove it")
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_is_read_in_the_encodings_that_spreadsheets_save(encoding: str, tmp_path: Path) -> None:
    answers, _ = of_csv("id;sex\nJürg;male\n".encode(encoding), tmp_path)
    assert [row["id"] for row in answers] == ["Jürg"]


def test_typed_cells_are_taken_for_what_they_are(tmp_path: Path) -> None:
    given = pa.table(
        {
            "id": [1, 2],
            "assessed_at": pa.array([datetime(2026, 5, 26, 9, tzinfo=UTC), None]),
            "age_years": pa.array([45, None], pa.int8()),
            "platelet-count": pa.array([Decimal("24.9"), Decimal("25")]),
            "thrombus_present": pa.array([["external-iliac-vein", "popliteal-vein"], []]),
            "tense-edema": pa.array(["present", "absent"]).dictionary_encode(),
            "cyanosis": pa.nulls(2),
        }
    )
    pq.write_table(given, tmp_path / "ward.parquet")
    answers, rejects = ran(tmp_path / "ward.parquet", folder=tmp_path)
    assert not rejects
    assert [row["id"] for row in answers] == ["1", "2"]
    assert "anticoagulation-alone" in answers[0]["contraindicated"]
    assert "anticoagulation-alone" not in answers[1]["contraindicated"]


# What is refused

CELLS = {
    "id": ["a", "b", "", " a", "x" * 300, "tab\tin it", "Ä ö", "ﬂ", "a\u2028b", "a\u00a0"],
    "assessed_at": [
        *("", "2026-05-26T09:00:00Z", "2026-05-26", "2026-02-29T09:00:00Z", "2024-02-29T09:00:00+02:00"),
        *("2026-13-01T00:00:00Z", "yesterday", "2026-05-26T24:00:00", "2026-05-26T09:00:00+15:00"),
    ],
    "age_years": ["", "45", "-1", "7,5", "1e2", "200", "nan", "4 5", "045", "45.000", " 45 "],
    "sex": ["", "male", "unknown", "Male", "f", " female"],
    "recorded_severity": ["", "mild", "unknown", "moderate", "sever"],
    "thrombus_present": [
        *("", "external-iliac-vein", "external-iliac-vein; popliteal-vein", ";", "iliac", "unknown"),
        "popliteal-vein;popliteal-vein",
    ],
    "side": ["", "left", "both"],
    "tense-edema": ["", "present", "absent", "unknown", "yes", "Present", " absent ", "true"],
    "platelet-count": ["", "210", "18000", "24.999999999", "25", "-3", "<20", "1e-30", "0.001", "inf"],
    "symptom-duration-days": ["", "13.99", "14", "7,0", "0", "000014", "13.9999999999999999999"],
    "tense-oedema": ["", "present", " "],
    "": ["", "x"],
}


def agrees(errors: tuple[RecordError, ...], rejects: list[Row]) -> None:
    """The rejects name, row by row, the faults that a reader finds."""
    by_line: dict[int | None, list[RecordError]] = {}
    for error in errors:
        by_line.setdefault(error.line, []).append(error)
    assert [r["line"] for r in rejects] == sorted(by_line, key=lambda line: line or 0)
    for row in rejects:
        first, *further = by_line[row["line"]]
        value = (
            first.value
            if isinstance(first.value, str | None)
            else json.dumps(first.value, ensure_ascii=False)
        )
        assert (row["field"], row["value"], row["message"]) == (first.field, value, first.message)
        others = [f"{e.field}: {e.message}" if e.field else e.message for e in further]
        more = [f"and {len(others) - FURTHER} more"] if len(others) > FURTHER else []
        assert row["further"] == others[:FURTHER] + more


@settings(max_examples=50, deadline=None)
@example([{"id": "a", "age_years": "7,5", "tense-edema": "yes"}, {"id": "a"}, {"id": "b", "": "x"}], False)
@example([{"id": text, "sex": "male"} for text in CELLS["id"]], True)
@example([{"id": f"n{n}", "platelet-count": text} for n, text in enumerate(CELLS["platelet-count"])], False)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from(CELLS["id"]) | st.integers().map(str)},
            optional={name: st.sampled_from(cells) for name, cells in CELLS.items() if name != "id"},
        ),
        min_size=1,
        max_size=9,
    ),
    st.booleans(),
)
def test_a_table_refuses_what_its_reader_refuses_and_for_the_same_reason(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[dict[str, str]], quoted: bool
) -> None:
    folder = tmp_path_factory.mktemp("cohort")
    out = io.StringIO(newline="")
    writer = csv.DictWriter(
        out, list(CELLS), restval="", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    writer.writeheader()
    writer.writerows(given_rows)
    answers, rejects = of_csv(out.getvalue(), folder)
    reading = read_text(out.getvalue(), "csv", ONTOLOGY, name=str(folder / "ward.csv"))
    assert said(answers) == expected(reading.patients)
    agrees(reading.errors, rejects)


VALUES: dict[str, list[Any]] = {
    "id": ["a", "b", "", " a", 7, None, "Ä"],
    "age_years": [45, 45.5, "45", -1, True, 1e400, 12345678901234567890.5, None],
    "sex": ["male", "unknown", "Male", 3, None],
    "thrombus": [
        *({"present": ["external-iliac-vein"]}, {"present": "external-iliac-vein"}, {"present": [" iliac "]}),
        *({"present": None}, {"absent": [], "side": "left"}, [], None, {"present": ["a;b"]}),
    ],
    "findings": [
        *({"tense-edema": "present"}, {"tense-edema": " present "}, {"tense-edema": True}),
        *({"tense-edema": None, "cyanosis": "absent"}, {"tense-oedema": "present"}, {"tense-edema": ""}),
    ],
    "measurements": [
        *({"platelet-count": 24.9}, {"platelet-count": "24.9"}, {"symptom-duration-days": 14}),
        *({"symptom-duration-days": 1e-30}, {"plateletCount": 3}, {"platelet-count": [1]}),
    ],
    "extra": [1],
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
        ),
        min_size=1,
        max_size=9,
    )
)
def test_lines_of_json_refuse_what_the_reader_of_json_refuses_and_for_the_same_reason(
    tmp_path_factory: pytest.TempPathFactory, given_records: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("cohort")
    file = folder / "ward.ndjson"
    file.write_text("\n".join(map(json.dumps, given_records)), encoding="utf-8")
    answers, rejects = ran(file, folder=folder)
    reading = read_text(json.dumps(given_records), "json", ONTOLOGY, name=str(file))
    assert said(answers) == expected(reading.patients)
    lines = {record: n for n, record in reversed(list(enumerate((r.get("id") for r in given_records), 1)))}
    for error in reading.errors:
        if isinstance(error.record, int):
            error.line = error.record + 1
    numbered = [(r["line"], r["field"]) for r in rejects]
    assert len(numbered) == len(given_records) - len(reading.patients)
    by_message = {(e.field, e.message.split(", in ")[0]) for e in reading.errors}
    assert {(r["field"], r["message"].split(", in ")[0]) for r in rejects} <= by_message
    assert lines


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("ward.ndjson", b'{"id": "a"}\n{"id": "b",}\n', 2, "it is not valid JSON"),
        ("ward.ndjson", b'{"id": "a"}\n[1]\n', 2, "a list is no record"),
        ("ward.ndjson", b'{"id": "a"}\n{"id": "b", "id": "c"}\n', 2, "written more than once"),
        ("ward.ndjson", b'{"id": "a"}\n\xff\n', 2, "it is not UTF-8"),
        ("ward.ndjson", b'{"id": "a"}\n' + b"[" * 100_000, 2, "nested too deep"),
        ("ward.ndjson", b'{"id": "a"}\n\n{"id": "a"}\n', 3, "the id was seen before"),
        ("ward.ndjson", b'{"id": "a"}\n{"id": "\\ud800"}\n', 2, "control character"),
        ("ward.ndjson", b'{"id": "a"}\n{"id": "b", "sex": "\\ud800"}\n', 2, "no sex is called"),
        (
            "ward.ndjson",
            b'{"id": "a"}\n{"id": "b", "findings": {"cyanosis": "absent"}, "findings/cyanosis": "present"}',
            2,
            "no key of a record",
        ),
        ("ward.csv", b"id,\xff\na,\nb,x\n", 3, "no column is called"),
        ("ward.csv", b"id,sex\na,male\nb,male,x\n", 3, "the row has 3 cells and the header 2"),
        ("ward.csv", b"id,sex\na,male\n\xff,male\n", 3, "it is not UTF-8"),
        ("ward.csv", b'id,sex\na,male\n"b" x,male\n', 3, "the row cannot be read"),
        ("ward.csv", b'id,sex\na,male\n"b,male\n', 3, "the row cannot be read (unexpected end of data)"),
        ("ward.csv", b'id,sex\na,male\n"b"",male\nc,male', 3, "the row cannot be read"),
        ("ward.csv", b"id,sex,sex\na,male,\nb,male,female\n", 3, "the column stands twice"),
    ],
)
def test_a_broken_line_is_refused_and_the_others_are_answered(
    name: str, content: bytes, line: int, message: str, tmp_path: Path
) -> None:
    answers, rejects = of_csv(content, tmp_path, name)
    assert [row["id"] for row in answers][:1] == ["a"]
    (reject,) = rejects
    assert (reject["file"], reject["line"]) == (str(tmp_path / name), line)
    assert message in reject["message"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([True]), "true and false are no states of a finding"),
        (pa.array([1]), "a number is no state of a finding"),
        (pa.array(["yes"]), "no state of a finding"),
        (pa.array([{"a": 1}]), "an object is no state of a finding"),
    ],
)
def test_a_typed_cell_of_the_wrong_kind_is_refused(column: pa.Array, message: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "tense-edema": column}), tmp_path / "ward.parquet")
    answers, (reject,) = ran(tmp_path / "ward.parquet", folder=tmp_path)
    assert not answers
    assert (reject["line"], reject["id"], reject["field"]) == (1, "a", "tense-edema")
    assert message in reject["message"]


NO_TEXT = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("age_years", pa.array([float("nan")]), "not a finite number"),
        ("age_years", pa.array([1e300]), "outside 0 to"),
        ("age_years", pa.array([-0.5]), "negative"),
        ("age_years", pa.array([1e-20]), "more digits than can be kept"),
        ("age_years", pa.array([True]), "no number"),
        ("assessed_at", pa.array([date(2026, 5, 26)]), "a date alone is no time"),
        ("thrombus_present", pa.array([["iliac"]]), "no vein is called 'iliac'"),
        ("thrombus_present", pa.array([["external-iliac-vein", None]]), "null"),
        ("tense-oedema", pa.array(["present"]), "tense-edema"),
        ("tense-edema", NO_TEXT, "no state of a finding"),
        ("thrombus_present", pa.array([[b"\xff"]]).cast(pa.list_(pa.string()), safe=False), "no vein"),
        ("assessed_at", NO_TEXT, "is no time"),
        ("assessed_at", pa.array([10**18], pa.int64()).cast(pa.timestamp("us")), "is no time"),
        ("assessed_at", pa.array([0], pa.timestamp("us", "Foo/Bar")), "is no time"),
        ("other", NO_TEXT, "is no column"),
        ("id", NO_TEXT, "control character"),
        ("id", pa.array([b"\xff\x80"]), "control character"),
        ("id", pa.array([b"\xff"]).dictionary_encode(), "control character"),
        ("id", pa.array([None], pa.string()), "the id is empty"),
    ],
)
def test_a_typed_cell_that_is_not_let_in_is_refused(
    name: str, column: pa.Array, message: str, tmp_path: Path
) -> None:
    given = {"id": pa.array(["a"]), name: column}
    pq.write_table(pa.table(given), tmp_path / "ward.parquet")
    answers, (reject,) = ran(tmp_path / "ward.parquet", folder=tmp_path)
    assert not answers
    assert reject["field"] == name
    assert message in reject["message"]


def test_an_id_is_read_once_over_all_parts_and_the_first_stands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,sex\nx,male\ny,yes\n", encoding="utf-8")
    (tmp_path / "b.ndjson").write_text(
        '{"id": "y"}\n{"id": "x", "sex": "f"}\n{"id": "z"}\n', encoding="utf-8"
    )
    answers, rejects = ran(tmp_path / "a.csv", tmp_path / "b.ndjson", folder=tmp_path)
    assert [row["id"] for row in answers] == ["x", "z"]
    assert [(r["id"], r["line"]) for r in rejects] == [("y", 3), ("y", 1), ("x", 2)]
    assert rejects[1]["message"].startswith(f"the id was seen before, in {tmp_path / 'a.csv'}, line 3")
    assert rejects[2]["further"][0].startswith(f"id: the id was seen before, in {tmp_path / 'a.csv'}, line 2")


# What cannot be read as a whole

CUT = gzip.compress(b"id\na\n" * 4000, mtime=0)[:-9]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("ward.xlsx", b"x", UsageError, "does not end in one of .parquet, .csv"),
        ("ward.json", b"[]", UsageError, "one record a line"),
        ("ward.parquet.gz", b"", UsageError, "does not end"),
        ("ward.parquet", b"PAR1", CohortError, "cannot be read as Parquet"),
        ("ward.csv", b" \n", CohortError, "it is empty"),
        ("ward.csv", b"name,sex\na,male\n", RecordError, "no column 'id'"),
        ("ward.csv", b'id,"sex\na,male\n', RecordError, "cannot be read"),
        (
            "ward.csv.gz",
            CUT,
            CohortError,
            "cannot be read to its end",
        ),
        ("ward.csv.gz", b"id\na\n", CohortError, "cannot be read to its end"),
        ("ward.ndjson.zst", b"{}", CohortError, "cannot be read to its end"),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_run(
    name: str, content: bytes, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        of_csv(content, tmp_path, name)
    assert not (tmp_path / "answers.parquet").exists()


def test_what_is_not_there_or_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="there is no such file"):
        ran(tmp_path / "none.csv", folder=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no file"):
        ran(tmp_path / "empty", folder=tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(CohortError, match="no file that can be read twice"):
        ran(tmp_path / "pipe.csv", folder=tmp_path)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("duckdb:{}/none.db#patients", CohortError, "there is no such file"),
        ("duckdb:{}/ward.db", UsageError, "names no table"),
        ("duckdb:{}/ward.db#nobody", CohortError, "nobody"),
        ("duckdb:{}/answers.txt#patients", CohortError, "not a valid DuckDB"),
    ],
)
def test_a_database_that_cannot_be_read_is_said(
    source: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    _database(tmp_path / "ward.db")
    (tmp_path / "answers.txt").write_text("x" * 5000, encoding="utf-8")
    with pytest.raises(error, match=message):
        ran(source.format(tmp_path), folder=tmp_path)


def test_parts_with_other_columns_are_refused_unless_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "sex": ["male"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": ["b"], "side": ["left"]}), tmp_path / "b.parquet")
    sources = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    with pytest.raises(
        CohortError, match=r"b\.parquet: .*it lacks 'sex' and has 'side' besides; .*--mixed-columns"
    ):
        ran(*sources, folder=tmp_path)
    answers, _ = ran(*sources, folder=tmp_path, options=Options(audit=0, page=False, mixed=True))
    assert [row["id"] for row in answers] == ["a", "b"]
    pq.write_table(pa.table({"id": ["b"], "sex": [1]}), tmp_path / "b.parquet")
    with pytest.raises(CohortError, match=r"'sex' \(text, here number\)"):
        ran(*sources, folder=tmp_path)
    pq.write_table(pa.table({"id": ["b"], "sex": pa.nulls(1)}), tmp_path / "b.parquet")
    assert len(ran(*sources, folder=tmp_path)[0]) == 2


def test_lines_are_cut_into_batches_wherever_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "ROWS", 7)
    answers, _ = ran(write(tmp_path / "ward.csv", PATIENTS), folder=tmp_path)
    lines, _ = ran(write(tmp_path / "ward.ndjson", PATIENTS), folder=tmp_path)
    assert said(answers) == said(lines) == expected(PATIENTS)
    text = (tmp_path / "ward.csv").read_text(encoding="utf-8")
    torn = text.replace("\n", '\n"torn\nid"\n', 30)
    again, rejects = of_csv(torn, tmp_path)
    assert said(again) == expected(PATIENTS)
    assert len(rejects) == 30
