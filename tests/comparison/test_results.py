"""One line for each trial, whoever else writes at the time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from trials import RESULT

from audiocnn.comparison.results import Result, append_result, read_results
from audiocnn.errors import ParameterError


def test_a_line_comes_back_as_it_was(tmp_path):
    path = tmp_path / "results.csv"
    assert read_results(path) == []
    append_result(path, RESULT)
    append_result(path, replace(RESULT, seed=1))
    assert read_results(path) == [RESULT, replace(RESULT, seed=1)]
    head, line = path.read_text().splitlines()[:2]
    assert head == (
        "model,padding,front_end,window,max_offset_seconds,seed,minutes,epochs,processor_minutes,wall_minutes,"
        "validation_accuracy,test_accuracy,test_speakers,parameters,macs,receptive_field_ms,span_ms,stride_ms,delay_ms,clip_ms,"
        "reference_clip_ms,machine,torch,commit"
    )
    assert line == (
        'tc_resnet_8,valid,logmel,,,0,4.0,47,3.9,7.5,0.5,0.75,"{""ada"": [2, 2], ""bob, the 2nd"": [1, 2]}"'
        ',100,1000,890.0,1450.0,80.0,225.0,0.2,0.1,"abacus, 2 cores",2.14.1,abc1234'
    )


def test_many_may_write_at_once(tmp_path):
    path = tmp_path / "results.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: append_result(path, replace(RESULT, seed=seed)), range(40)))
    assert sorted(result.seed for result in read_results(path)) == list(range(40))


def test_another_table_is_left_alone(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("file_name,label\n")
    with pytest.raises(ParameterError) as error:
        append_result(path, RESULT)
    columns = ",".join(Result.__annotations__)
    assert str(error.value) == f"results={path} does not begin with the columns {columns}; move it away"
    assert path.read_text() == "file_name,label\n"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ((",47,", ",many,"), "invalid literal for int() with base 10: 'many'"),
        ((",abc1234", ""), "has 23 of 24 cells"),
        ((",abc1234", ",abc1234,more"), "has 25 of 24 cells"),
        (("logmel,,", "logmel,wide,"), "invalid literal for int() with base 10: 'wide'"),
        (('}",100,1000', "}"), "unexpected end of data"),  # a line that was not written to its end
        (
            ("abacus", "abac\udcff"),
            "'utf-8' codec can't decode byte 0xff in position 145: invalid start byte",
        ),
    ],
)
def test_a_damaged_line_is_named(tmp_path, damage, problem):
    path = tmp_path / "results.csv"
    for seed in (0, 1):
        append_result(path, replace(RESULT, seed=seed))
    head, first, second = path.read_text().splitlines()
    assert damage[0] in first
    if not damage[1].strip("}"):
        first = first.partition(damage[0])[0] + damage[1]
    damaged = "\n".join([head, first.replace(*damage), second, ""])
    path.write_bytes(damaged.encode(errors="surrogateescape"))
    with pytest.raises(ParameterError) as error:
        read_results(path)
    assert str(error.value) == f"results={path}, line 2: {problem}; mend or remove it"


@pytest.mark.parametrize(
    "cell", ["[]", "{}", "7", '{"a": 3}', '{"a": "xy"}', '{"a": [1]}', '{"a": [3, 2]}', '{"a": [1.0, 2]}']
)
def test_speakers_that_are_none_are_named(tmp_path, cell):
    path = tmp_path / "results.csv"
    append_result(path, RESULT)
    good = '"{""ada"": [2, 2], ""bob, the 2nd"": [1, 2]}"'
    quoted = cell.replace('"', '""')
    path.write_text(path.read_text().replace(good, f'"{quoted}"'))
    with pytest.raises(ParameterError) as error:
        read_results(path)
    assert str(error.value) == (
        f'results={path}, line 2: test_speakers={cell} must be as {{"ada": [8, 10]}}: 8 of 10 recognised; '
        "mend or remove it"
    )


def test_what_an_editor_leaves_does_no_harm(tmp_path):
    """Empty lines, another system's ends of lines, and no end of the last."""
    path, second = tmp_path / "results.csv", replace(RESULT, seed=1, window=49, max_offset_seconds=0.1)
    append_result(path, RESULT)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n\r\n").rstrip())
    append_result(path, second)
    assert read_results(path) == [RESULT, second]


def test_the_folder_must_be_there(tmp_path):
    path = tmp_path / "none" / "results.csv"
    for read in (read_results, lambda path: append_result(path, RESULT)):
        with pytest.raises(ParameterError) as error:
            read(path)
        assert str(error.value) == f"results={path}: there is no folder {path.parent}; make it"
