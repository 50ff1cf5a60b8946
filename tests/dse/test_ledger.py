"""Lines of a ledger: what is torn is cut off, what is damaged is told, what is recorded stays."""

import pytest
from tilewright.dse.ledger import (
    LedgerDamaged,
    LedgerOfOther,
    MemoryLedger,
    Record,
    content_key,
    header_line,
    parse,
    record_line,
    require_context,
)

CONTEXT = {"tilewright": "0.1.0", "spec": "abc"}


def record(number: int, status: str = "done", **more) -> Record:
    body = {"status": status, "number": number, **more}
    return Record(key=content_key({"n": number}), body=body)


RECORDS = [record(n, value=0.1 * n) for n in range(5)]
WHOLE = header_line(CONTEXT) + b"".join(record_line(r) for r in RECORDS)


def test_what_was_written_is_read() -> None:
    found = parse(WHOLE)
    assert found.context == CONTEXT
    assert list(found.records.values()) == RECORDS
    assert (found.good_bytes, found.torn_bytes) == (len(WHOLE), 0)


def test_a_file_cut_at_any_byte_keeps_its_whole_lines() -> None:
    ends = [i + 1 for i, byte in enumerate(WHOLE) if byte == ord("\n")]
    for cut in range(len(WHOLE)):
        found = parse(WHOLE[:cut])
        whole_lines = sum(end <= cut for end in ends)
        assert len(found.records) == max(whole_lines - 1, 0), cut
        assert (found.context is None) == (whole_lines == 0)
        assert found.good_bytes == max([e for e in ends if e <= cut], default=0)
        assert found.good_bytes + found.torn_bytes == cut


@pytest.mark.parametrize(
    "tail", [b"\0" * 50, b"\0" * 50 + b"\n", b'{"key":"x"}\n', b"\xff\xfe\n\n"]
)
def test_rubbish_at_the_end_is_torn(tail: bytes) -> None:
    found = parse(WHOLE + tail)
    assert len(found.records) == 5
    assert found.torn_bytes == len(tail)


def test_a_changed_line_in_the_middle_is_damage() -> None:
    lines = WHOLE.splitlines(keepends=True)
    changed = lines[2].replace(b'"number":1', b'"number":7')
    assert changed != lines[2]
    with pytest.raises(LedgerDamaged, match="line 3 is not as it was written"):
        parse(b"".join([*lines[:2], changed, *lines[3:]]))


def test_every_changed_byte_of_a_record_is_seen() -> None:
    line = record_line(RECORDS[1])
    other = record_line(RECORDS[2])
    for place in range(len(line) - 1):
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        with pytest.raises(LedgerDamaged):
            parse(header_line(CONTEXT) + changed + other)


def test_a_key_is_there_once_but_a_failure_may_be_tried_again() -> None:
    with pytest.raises(LedgerDamaged, match="line 7 records again"):
        parse(WHOLE + record_line(RECORDS[3]))
    failed, done = record(9, "failed", error="x"), record(9)
    assert parse(WHOLE + record_line(failed) + record_line(done)).records[done.key] == done
    ledger = MemoryLedger()
    ledger.append([failed])
    ledger.append([done])
    for again in (failed, done):
        with pytest.raises(ValueError, match="recorded already"):
            ledger.append([again])
    with pytest.raises(ValueError, match="recorded already"):
        ledger.append([record(1), record(1)])


def test_another_version_is_told_with_its_differences() -> None:
    require_context(CONTEXT, dict(CONTEXT))
    with pytest.raises(LedgerOfOther) as caught:
        require_context(CONTEXT, {"tilewright": "0.2.0", "table": "x"})
    text = str(caught.value)
    assert "tilewright: 0.1.0 there, 0.2.0 now" in text
    assert "spec: abc there, not there now" in text
    assert "table: not there there, x now" in text
    hashes = {"spec": "3" * 64}, {"spec": "4" * 64}
    words = "3{12} there, 4{12} now .the spec beside its swept keys and its section `sweep` is ano"
    with pytest.raises(LedgerOfOther, match=words):
        require_context(*hashes)
    other = header_line(CONTEXT).replace(b'"tilewright_ledger":1', b'"tilewright_ledger":2')
    with pytest.raises(LedgerOfOther, match="format 2, this version writes 1"):
        parse(other)


@pytest.mark.parametrize("data", [b"name,value\n1,2\n", b"{}\n", b"hello", b"[1]\n[2]\n"])
def test_other_files_are_no_ledgers(data: bytes) -> None:
    with pytest.raises(LedgerOfOther, match="not a ledger"):
        parse(data)


def test_the_address_is_the_hash_of_the_content() -> None:
    # sha256 of {"a":1,"b":[true,"x"]} from outside (coreutils sha256sum)
    expected = "63e8063d9dc6f0fd5a24b4706818a165fd57c3531b74466cf5dea62bff09b0b6"
    assert content_key({"b": [True, "x"], "a": 1}) == expected
    with pytest.raises(ValueError, match="JSON"):
        content_key({"a": float("nan")})
