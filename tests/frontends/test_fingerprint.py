"""Fingerprints: equal where features are, and saying what differs where they are not."""

import json

import pytest

from audiocnn import FingerprintError
from audiocnn.frontends import (
    FRONT_ENDS,
    LogMel,
    LogMelConfig,
    create_front_end,
)

every_name = pytest.mark.parametrize("name", FRONT_ENDS)


@every_name
def test_the_same_config_has_the_same_fingerprint(name):
    ours, again = create_front_end(name), create_front_end(name)
    assert ours.fingerprint() == again.fingerprint()
    again.require_fingerprints(json.loads(json.dumps(ours.fingerprints())))


def test_fingerprints_tell_front_ends_apart():
    prints = {name: create_front_end(name).fingerprint() for name in FRONT_ENDS}
    same = {name for name in prints if list(prints.values()).count(prints[name]) > 1}
    assert all(FRONT_ENDS[a] == FRONT_ENDS[b] for a in same for b in same if prints[a] == prints[b])


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("logmel", "74a7c56e56be"),
        ("mfcc", "8fc9368d63d7"),
        ("kaldi", "ce5da2c27002"),
        ("whisper", "7c9ec50758d1"),
        ("pcen", "ccff1ca83faf"),
        ("leaf", "e830f40f964e"),
    ],
)
def test_the_fingerprint_is_that_of_all_machines(name, fingerprint):
    # made once and written down: another value is another front-end, whose models could not be loaded
    assert create_front_end(name).fingerprint() == fingerprint


def test_float64_and_other_forms_have_the_same_fingerprint():
    front_end = LogMel(LogMelConfig())
    expected = front_end.fingerprint()
    assert front_end.use("exportable").fingerprint() == expected
    assert front_end.use("eager").double().fingerprint() == expected


def test_a_value_off_in_the_fifth_digit_is_another_fingerprint():
    front_end = LogMel(LogMelConfig())
    expected = front_end.fingerprint()
    front_end.get_buffer("frames.window").mul_(1 + 1e-7)  # what another processor may round to
    assert front_end.fingerprint() == expected
    front_end.get_buffer("frames.window")[100] += 1e-4
    assert front_end.fingerprint() != expected


def test_a_whole_number_is_the_same_setting_with_and_without_a_point():
    assert LogMelConfig(f_min=20, f_max=8000) == LogMelConfig(f_min=20.0)
    ours, there = LogMel(LogMelConfig(f_min=20, f_max=8000)), LogMel(LogMelConfig(f_min=20.0))
    assert ours.fingerprint() == there.fingerprint()
    ours.require_fingerprints(there.fingerprints())


def test_a_mismatch_says_what_differs():
    there, here = LogMel(LogMelConfig(f_max=7000.0, floor=1e-5)), LogMel(LogMelConfig())
    with pytest.raises(FingerprintError) as error:
        here.require_fingerprints(there.fingerprints())
    assert str(error.value) == (
        f"these features are not those of the front-end here, of fingerprint "
        f"{here.fingerprint()}: floor is 1e-05 there and 1e-06 here, f_max is 7000.0 there and 8000.0 here, "
        "frames.filters has other values"
    )


def test_a_setting_that_was_not_known_there_must_have_its_default():
    there = {name: part for name, part in LogMel(LogMelConfig()).fingerprints().items() if name != "dither"}
    LogMel(LogMelConfig()).require_fingerprints(there)
    with pytest.raises(FingerprintError, match=r"dither is unknown there and 0\.1 here$"):
        LogMel(LogMelConfig(dither=0.1)).require_fingerprints(there)
