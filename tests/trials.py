"""A trial made up, for tests of what is made of trials."""

from audiocnn.comparison.results import Result

__all__ = ["RESULT"]

RESULT = Result(
    model="tc_resnet_8",
    padding="valid",
    front_end="logmel",
    window=None,
    max_offset_seconds=None,
    seed=0,
    minutes=4.0,
    epochs=47,
    processor_minutes=3.9,
    wall_minutes=7.5,
    validation_accuracy=0.5,
    test_accuracy=0.75,
    test_speakers={"ada": (2, 2), "bob, the 2nd": (1, 2)},
    parameters=100,
    macs=1000,
    receptive_field_ms=890.0,
    span_ms=1450.0,
    stride_ms=80.0,
    delay_ms=225.0,
    clip_ms=0.2,
    reference_clip_ms=0.1,
    machine="abacus, 2 cores",
    torch="2.14.1",
    commit="abc1234",
)
