"""Pseudonyms and their key: who can read it, what is none, and what stands for whom."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import pytest
from conftest import Triage
from hypothesis import given
from hypothesis import strategies as st
from second_helpers import refused, said

from triage.errors import CallError
from triage.pseudonyms import Key, read_key

KEY = Key(bytes(range(32)))


def test_a_key_is_new_private_and_never_shown(triage: Triage, workplace: Path) -> None:
    out = said(triage, "data", "key", "key")
    content = Path("key").read_bytes()
    assert len(content) == 32
    assert Path("key").stat().st_mode & 0o777 == 0o600
    assert content.hex() not in out
    assert hashlib.sha256(content).hexdigest()[:16] in out
    assert repr(read_key(Path("key"))) == "Key()"
    assert "is there already" in refused(triage, "data", "key", "key")
    assert Path("key").read_bytes() == content
    assert "cannot be written" in refused(triage, "data", "key", "no/where")


def test_what_is_no_key_is_refused(workplace: Path) -> None:
    path = workplace / "key"
    contents = {"empty": b"", "short": os.urandom(31), "zeros": bytes(64), "word": b"secret" * 9,
                "long": os.urandom(5_000)}  # fmt: skip
    for content in contents.values():
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(CallError, match="is no key"):
            read_key(path)
    path.write_bytes(os.urandom(32))
    for mode in (0o640, 0o604, 0o660, 0o644):
        path.chmod(mode)
        with pytest.raises(CallError, match="can be read by others"):
            read_key(path)
    path.chmod(0o400)
    assert len(read_key(path).secret) == 32
    with pytest.raises(CallError, match="cannot be read"):
        read_key(workplace / "gone")
    os.mkfifo(workplace / "pipe", 0o600)
    for odd in (workplace / "pipe", workplace):
        with pytest.raises(CallError, match=r"is no key|cannot be read"):
            read_key(odd)


@given(st.text(max_size=60), st.text(max_size=60))
def test_pseudonyms_are_the_same_for_the_same_and_others_for_others(one: str, other: str) -> None:
    assert (KEY.pseudonym("child", one) == KEY.pseudonym("child", other)) == (one == other)
    assert KEY.pseudonym("child", one)[-20:] != KEY.pseudonym("person", one)[-20:]
    assert Key(bytes(range(1, 33))).pseudonym("child", one) != KEY.pseudonym("child", one)


def test_a_pseudonym_is_the_hmac_of_its_kind_and_what_it_stands_for() -> None:
    digest = hmac.new(bytes(range(32)), b"child\0P\xc3\x84", hashlib.sha256).hexdigest()
    assert KEY.pseudonym("child", "PÄ") == f"child-{digest[:20]}"
    assert KEY.pseudonym("person", None) == ""
