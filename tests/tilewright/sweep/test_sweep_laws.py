"""A ledger of other laws is refused, whatever the package's version says."""

from pathlib import Path

import pytest
from test_sweep_sources import swept

from tilewright.errors import OutputError
from tilewright.flow.sweep import laws, set_up


def test_a_changed_law_refuses_an_old_ledger(sweep_spec, tmp_path: Path, monkeypatch) -> None:
    path, out = sweep_spec(), tmp_path / "out"
    assert swept(path, out).file.context["laws"] == laws.laws_digest()
    monkeypatch.setattr(set_up, "laws_digest", lambda: "f" * 64)
    with pytest.raises(OutputError, match=r"of another version: laws: .* there, f{12} now") as told:
        swept(path, out)
    assert "(the code that turns designs into numbers has changed)" in told.value.message
    assert "`--fresh` throws them away" in (told.value.help or "")


def test_the_digest_is_of_what_numbers_depend_on(tmp_path: Path, monkeypatch) -> None:
    names = [name for name, _ in laws.law_files()]
    assert "tilewright.hw/systolic/law.py" in names
    assert "tilewright.dse/timing/program.py" in names
    assert "tilewright.dataflow/streaming.py" in names
    assert not [name for name in names if name.startswith("tilewright.dse/report")]
    law = tmp_path / "law.py"
    monkeypatch.setattr(laws, "law_files", lambda: iter([("a/law.py", law)]))
    found = set()
    for text in ("CYCLES = 1\n", "CYCLES = 2\n", "CYCLES = 1\n"):
        law.write_text(text)
        laws.laws_digest.cache_clear()
        found.add(laws.laws_digest())
    laws.laws_digest.cache_clear()
    assert len(found) == 2
