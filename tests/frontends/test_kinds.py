"""Front-ends by name, and configs as plain values."""

import json

import pytest

from audiocnn import ParameterError
from audiocnn.frontends import (
    FRONT_ENDS,
    FrontEndConfig,
    LogMelConfig,
    create_front_end,
    named_config,
)
from audiocnn.frontends.description import describe_front_end
from audiocnn.frontends.kinds import KINDS, config_as_dict, config_from_dict, kind_of

every_name = pytest.mark.parametrize("name", FRONT_ENDS)


@every_name
def test_configs_travel_as_plain_values(name):
    config = FRONT_ENDS[name]
    assert config_from_dict(json.loads(json.dumps(config_as_dict(config)))) == config


def test_configs_by_name_and_from_files(tmp_path):
    assert named_config("logmel") == LogMelConfig()
    path = tmp_path / "mine.json"
    config = LogMelConfig(n_mels=24, deltas=1)
    path.write_text(json.dumps(config_as_dict(config)))
    assert named_config(str(path)) == config
    path.write_text(json.dumps({"kind": "logmel", "n_mels": 24, "deltas": 1}))  # the rest has its defaults
    assert named_config(str(path)) == config
    path.write_text(describe_front_end(create_front_end(config)).json())
    assert named_config(str(path)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "front_end={path} cannot be read: No such file or directory"),
        (
            "{",
            (
                "front_end={path} holds no front-end (Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1)); `audiocnn describe logmel --json` shows one"
            ),
        ),
        (
            "[1, 2]",
            (
                "front_end={path} holds no front-end (no JSON object); `audiocnn describe logmel --json` "
                "shows one"
            ),
        ),
        (
            '{"config": null}',
            (
                "front_end={path} holds no front-end (no JSON object); `audiocnn describe logmel --json` "
                "shows one"
            ),
        ),
        (
            '{"model": "tdnn", "front_end": "logmel"}',  # a training config
            (
                f"front_end={{path}} holds no front-end (kind=None is no front-end that this audiocnn knows: "
                f"{', '.join(KINDS)}); `audiocnn describe logmel --json` shows one"
            ),
        ),
        (
            '{"kind": ["logmel"]}',
            (
                "front_end={path} holds no front-end (kind=['logmel'] is no front-end that this audiocnn "
                f"knows: {', '.join(KINDS)}); `audiocnn describe logmel --json` shows one"
            ),
        ),
        (
            "[" * 100_000,
            (
                "front_end={path} holds no front-end (maximum recursion depth exceeded while decoding a JSON "
                "array from a unicode string); `audiocnn describe logmel --json` shows one"
            ),
        ),
        (
            '{"kind": "logmel", "n_mel": 3, "colour": 4}',
            (
                "front_end={path} holds no front-end (colour, n_mel: a front-end of kind 'logmel' has no "
                "such setting); `audiocnn describe logmel --json` shows one"
            ),
        ),
        (
            '{"kind": "logmel", "n_mels": "3"}',
            (
                "front_end={path} holds no front-end (n_mels='3' must be a positive integer; 40 is the "
                "default); `audiocnn describe logmel --json` shows one"
            ),
        ),
    ],
)
def test_files_that_hold_no_config(tmp_path, text, message):
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ParameterError) as error:
        named_config(str(path))
    assert str(error.value) == message.format(path=path)


def test_an_unknown_name_and_an_unknown_kind():
    with pytest.raises(ParameterError) as error:
        create_front_end("log_mel")
    assert str(error.value) == (
        f"front_end='log_mel' is unknown; there are {', '.join(FRONT_ENDS)}, or give a .json file"
    )
    with pytest.raises(ParameterError) as error:
        config_from_dict({"kind": "bark"})
    assert str(error.value) == f"kind='bark' is no front-end that this audiocnn knows: {', '.join(KINDS)}"
    with pytest.raises(ParameterError) as error:
        kind_of(FrontEndConfig())
    assert str(error.value) == "config is a FrontEndConfig, which no front-end is made from"
