"""Requirements and versions are read rightly."""

import pytest

from tilewright.build.tools import is_older, parse_requirement, satisfies, version_key


@pytest.mark.parametrize(
    ("line", "name", "bounds"),
    [
        ("amaranth==0.5.10", "amaranth", (("==", "0.5.10"),)),
        ("numpy<3,>=2.0", "numpy", (("<", "3"), (">=", "2.0"))),
        ("PyYAML", "PyYAML", ()),
        ("package[extra] >= 1 ; python_version > '3'", "package", ((">=", "1"),)),
    ],
)
def test_requirements(line: str, name: str, bounds: tuple[tuple[str, str], ...]) -> None:
    requirement = parse_requirement(line)
    assert requirement is not None
    assert (requirement.name, requirement.bounds) == (name, bounds)


def test_requirements_of_extras_are_left_out_and_nonsense_is_refused() -> None:
    assert parse_requirement('ruff==0.17.5; extra == "dev"') is None
    with pytest.raises(ValueError, match="not a requirement"):
        parse_requirement("==1")


def test_versions_compare_by_numbers() -> None:
    assert is_older("0.5.9", "0.5.10")
    assert is_older("0.50.0.0.post129", "0.50.0.0.post130")
    assert not is_older("2.0", "2")
    assert version_key("2.0.0") == version_key("2")
    assert version_key("1.2.3+local.4") == (1, 2, 3)


@pytest.mark.parametrize(
    ("version", "bounds", "good"),
    [
        ("2.4.6", ((">=", "2.0"), ("<", "3")), True),
        ("3.0.0", ((">=", "2.0"), ("<", "3")), False),
        ("1.9", ((">=", "2.0"),), False),
        ("5.48", (("==", "5.48.0"),), True),
        ("anything", (), True),
    ],
)
def test_bounds(version: str, bounds: tuple[tuple[str, str], ...], good: bool) -> None:
    assert satisfies(version, bounds) == good


def test_unknown_operators_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown operator"):
        satisfies("1", (("~=", "1"),))


@pytest.mark.parametrize(
    ("line", "extra", "is_read"),
    [
        ("a==1", "", True),
        ("a==1", "synth", False),
        ('a==1; extra == "synth"', "synth", True),
        ("a==1; extra == 'synth'", "synth", True),
        ('a==1; extra == "synth"', "", False),
        ('a==1; extra == "dev"', "synth", False),
        ('a==1; python_version < "3.12" and extra == "synth"', "synth", True),
    ],
)
def test_requirements_of_an_extra(line: str, extra: str, is_read: bool) -> None:
    found = parse_requirement(line, extra)
    assert (found is not None) == is_read
    assert found is None or found.bounds == (("==", "1"),)
