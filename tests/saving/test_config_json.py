import math

import pytest

from convnet.saving import config_json


def test_infinity_is_a_number():
    assert config_json.parse('{"a": -Infinity}', "x") == {"a": -math.inf}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"units": NaN}', "NaN"),
        ('{"units": 9223372036854775808}', "out of range"),
        ('{"units": ' + "9" * 5000 + "}", "digits"),
        ('{"a": ' + "[" * 300 + "]" * 300 + "}", "too deep"),
        ("[" * 100_000, "too deep"),
        ('{"a": ', "Expecting value"),
        ("[1, 2]", "expected a dictionary, got list"),
        (b"\xff\xfe\x00", "decode"),
    ],
    ids=["nan", "int64", "digits", "nested", "recursion", "cut", "list", "encoding"],
)
def test_impossible_config_is_refused_by_name(text, problem):
    with pytest.raises(ValueError, match=f"Invalid x: .*{problem}"):
        config_json.parse(text, "x")


def test_size_is_limited(monkeypatch):
    monkeypatch.setattr(config_json, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="at most 10 bytes, got 13"):
        config_json.parse('{"a": "long"}', "x")


def test_number_of_values_is_limited(monkeypatch):
    monkeypatch.setattr(config_json, "MAX_VALUES", 10)
    with pytest.raises(ValueError, match="too many values"):
        config_json.parse('{"a": [1, 1, 1, 1, 1, 1, 1, 1, 1]}', "x")
