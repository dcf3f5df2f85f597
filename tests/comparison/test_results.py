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
        "model,padding,front_end,seed,minutes,epochs,processor_minutes,wall_minutes,validation_accuracy,"
        "test_accuracy,test_speakers,parameters,macs,receptive_field_ms,span_ms,stride_ms,delay_ms,clip_ms,"
        "reference_clip_ms,machine,torch,commit"
    )
    assert line == (
        'tc_resnet_8,valid,logmel,0,4.0,47,3.9,7.5,0.5,0.75,"{""ada"": [2, 2], ""bob, the 2nd"": [1, 2]}"'
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


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "results.csv"
    append_result(path, RESULT)
    path.write_text(path.read_text().replace(",47,", ",many,"))
    with pytest.raises(ParameterError) as error:
        read_results(path)
    assert str(error.value) == (
        f"results={path}, line 2: invalid literal for int() with base 10: 'many'; mend or remove it"
    )
