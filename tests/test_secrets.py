"""The vault: what is sealed opens in its own cell with its own key, and nowhere else."""

from __future__ import annotations

import os
import re
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattledger.config import Settings, load_settings
from wattledger.errors import Misconfigured, WattledgerError
from wattledger.faults import sabotage
from wattledger.keyfile import add_key, make_key, parse_keys
from wattledger.secrets import SecretUnreadable, Vault, digest, load_vault, same

CELL = {"table": "connection", "row": "c1", "column": "token"}


def vault(*kids: str) -> Vault:
    return Vault({kid: bytes([len(kid) + i]) * 32 for i, kid in enumerate(kids)})


def settings(tmp_path: Path, **values: object) -> Settings:
    return load_settings(tmp_path, {}, **values)


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    held = vault("a")
    assert held.open(held.seal(plain, **CELL), **CELL) == plain


def test_sealed_form_and_a_nonce_of_its_own() -> None:
    held = vault("a")
    one, two = held.seal(b"canary", **CELL), held.seal(b"canary", **CELL)
    assert re.fullmatch(r"v1\|a\|[A-Za-z0-9_-]{16}\|[A-Za-z0-9_=-]+", one)
    assert one != two
    assert "canary" not in one


def opens_elsewhere(held: Vault, sealed: str, **cell: str) -> bool:
    try:
        held.open(sealed, **{**CELL, **cell})
    except SecretUnreadable:
        return False
    return True


@pytest.mark.parametrize("part", ["table", "row", "column"])
def test_a_sealed_value_moved_to_another_cell_is_unreadable(part: str) -> None:
    held = vault("a")
    assert not opens_elsewhere(held, held.seal(b"x", **CELL), **{part: "other"})


def test_sabotage_vault_aad_is_noticed() -> None:
    held = vault("a")
    with sabotage("vault_aad"):
        assert opens_elsewhere(held, held.seal(b"x", **CELL), row="other")


@given(st.data())
def test_a_changed_value_is_unreadable(data: st.DataObject) -> None:
    held = vault("a")
    sealed = held.seal(b"secret of a vendor", **CELL)
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + data.draw(st.characters().filter(lambda c: c != sealed[at])) + sealed[at + 1 :]
    try:
        assert held.open(changed, **CELL) == b"secret of a vendor"  # only unused base64 bits may differ
    except SecretUnreadable:
        return


@pytest.mark.parametrize("text", ["", "canary", "v2|a|b|c", "v1|a|b", "v1|a|*|*", "v1|a|é|é", "v1|a||"])
def test_plaintext_is_never_taken_for_sealed(text: str) -> None:
    with pytest.raises(SecretUnreadable):
        vault("a").open(text, **CELL)


def test_an_unknown_key_concerns_that_value_only() -> None:
    old, new = vault("old"), vault("new")
    lost, kept = old.seal(b"lost", **CELL), new.seal(b"kept", **CELL)
    with pytest.raises(SecretUnreadable, match="'old'") as caught:
        new.open(lost, **CELL)
    assert isinstance(caught.value, WattledgerError)
    assert new.open(kept, **CELL) == b"kept"


def test_rotation_reads_old_and_seals_new() -> None:
    sealed = vault("old").seal(b"x", **CELL)
    both = Vault({"newer": b"n" * 32, "old": bytes([3]) * 32})
    assert not both.is_current(sealed)
    fresh = both.reseal(sealed, **CELL)
    assert both.is_current(fresh)
    assert Vault({"newer": b"n" * 32}).open(fresh, **CELL) == b"x"


def test_a_locked_vault_neither_seals_nor_falls_back() -> None:
    with pytest.raises(Misconfigured, match="WATTLEDGER_KEYS"):
        Vault({}).seal(b"x", **CELL)
    with pytest.raises(SecretUnreadable):
        Vault({}).open(vault("a").seal(b"x", **CELL), **CELL)


def test_digest_is_one_way_and_takes_any_text() -> None:
    assert digest("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert len(digest("\ud800 é\0")) == 64


@pytest.mark.parametrize(
    ("given_", "allowed", "wanted"),
    [(b"x", (b"x",), True), (b"x", (b"y", b"x"), True), (b"x", (), False), (b"", (b"",), False),
     (b"x", (b"xy",), False), ("é".encode("latin-1"), ("é".encode(),), False)],
)  # fmt: skip
def test_same(given_: bytes, allowed: tuple[bytes, ...], wanted: bool) -> None:
    assert same(given_, *allowed) is wanted


def test_first_start_makes_a_private_key_file_and_later_ones_read_it(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    first = load_vault(settings(data), create=True)
    assert first.created
    assert first.key_file == data / "keys"
    assert (data / "keys").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in data.iterdir()] == ["keys"]
    again = load_vault(settings(data), create=False)
    assert not again.created
    assert again.open(first.seal(b"x", **CELL), **CELL) == b"x"


def test_without_create_nothing_is_written(tmp_path: Path) -> None:
    assert load_vault(settings(tmp_path), create=False).key_ids == ()
    assert list(tmp_path.iterdir()) == []


def test_keys_from_the_setting_win(tmp_path: Path) -> None:
    held = load_vault(settings(tmp_path, keys=f"{make_key()},{make_key()}"), create=True)
    assert len(held.key_ids) == 2
    assert held.key_file is None
    assert not (tmp_path / "keys").exists()


def _first_key(data: Path) -> str:
    return load_vault(settings(data), create=True).key_ids[0]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        assert len(set(pool.map(_first_key, [tmp_path] * 16))) == 1


def test_a_key_file_open_to_others_is_refused_by_name_without_its_content(tmp_path: Path) -> None:
    load_vault(settings(tmp_path), create=True)
    text = (tmp_path / "keys").read_text()
    (tmp_path / "keys").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600") as caught:
        load_vault(settings(tmp_path), create=True)
    assert text.strip() not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_key_file_is_refused(tmp_path: Path) -> None:
    load_vault(settings(tmp_path), create=True)
    (tmp_path / "keys").chmod(0o000)
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_vault(settings(tmp_path), create=True)


def test_a_folder_in_place_of_the_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_vault(settings(tmp_path), create=True)


@pytest.mark.parametrize(
    "text", ["", "a", "a:", "a:c2hvcnQ=", "a:canary-canary", ":" + "A" * 43 + "=", "a b"]
)
def test_malformed_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_keys(text, "WATTLEDGER_KEYS")
    assert "canary" not in str(caught.value)


def test_two_keys_of_one_id_are_refused() -> None:
    item = make_key()
    with pytest.raises(Misconfigured):
        parse_keys(f"{item},{item}", "WATTLEDGER_KEYS")


def test_an_added_key_is_the_newest_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = load_vault(settings(tmp_path), create=True)
    sealed = old.seal(b"x", **CELL)
    kid = add_key(tmp_path / "keys")
    new = load_vault(settings(tmp_path), create=False)
    assert new.key_ids == (kid, *old.key_ids)
    assert new.open(sealed, **CELL) == b"x"
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_a_running_vault_takes_up_a_key_that_another_process_adds(tmp_path: Path) -> None:
    opening, sealing = (load_vault(settings(tmp_path), create=True) for _ in "ab")
    first = opening.key_ids
    assert opening.is_current(opening.seal(b"old", **CELL))
    kid = add_key(tmp_path / "keys")
    fresh = sealing.seal(b"new", **CELL)
    assert sealing.is_current(fresh) and fresh.startswith(f"v1|{kid}|")
    assert opening.key_ids == first  # it looks where it needs a key that it lacks
    assert opening.open(fresh, **CELL) == b"new"
    assert opening.key_ids == (kid, *first)


def test_a_key_once_held_is_kept(tmp_path: Path) -> None:
    held = load_vault(settings(tmp_path), create=True)
    old, (first,) = held.seal(b"x", **CELL), held.key_ids
    kid = add_key(tmp_path / "keys")
    file = tmp_path / "keys"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if line.startswith(kid)))
    assert held.is_current(held.seal(b"x", **CELL))
    assert (held.key_ids, held.open(old, **CELL)) == ((kid, first), b"x")
    file.unlink()
    assert held.open(held.seal(b"y", **CELL), **CELL) == b"y"


def test_a_vault_says_its_key_ids_and_whether_its_file_is_new() -> None:
    assert repr(vault("a", "b")) == "Vault(key ids: a, b)"
    assert repr(Vault({})) == "Vault(key ids: none)"
    assert not Vault({}).created


def test_no_key_shows_in_a_repr(tmp_path: Path) -> None:
    held = load_vault(settings(tmp_path), create=True)
    key = (tmp_path / "keys").read_text().split(":")[1].strip()
    assert key not in repr(held)
