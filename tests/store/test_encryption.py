"""Encrypted fields open in their own place, with a known key, unaltered, or not at all."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.encryption import CannotDecrypt, Keyring, key_id, load_or_make_keys

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
PLACE = {"site": "s", "space": "1", "table": "connections", "field": "client_secret", "row": "1"}


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_in_its_place(plain):
    ring = Keyring(NEW)
    sealed = ring.encrypt(plain, **PLACE)
    assert ring.decrypt(sealed, **PLACE) == plain
    assert len(plain) < 8 or plain not in sealed


@pytest.mark.parametrize("part", PLACE)
def test_a_value_moved_elsewhere_does_not_open(part):
    ring = Keyring(NEW)
    sealed = ring.encrypt(b"secret", **PLACE)
    with pytest.raises(CannotDecrypt):
        ring.decrypt(sealed, **(PLACE | {part: "other"}))


def test_places_that_read_alike_are_not_the_same():
    ring = Keyring(NEW)
    sealed = ring.encrypt(b"secret", **(PLACE | {"site": "ab", "space": "c"}))
    with pytest.raises(CannotDecrypt):
        ring.decrypt(sealed, **(PLACE | {"site": "a", "space": "bc"}))


def test_any_flipped_byte_is_noticed():
    ring = Keyring(NEW)
    sealed = ring.encrypt(b"secret", **PLACE)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotDecrypt):
            ring.decrypt(bytes(altered), **PLACE)


@given(st.binary(max_size=60))
def test_rubbish_is_refused(rubbish):
    with pytest.raises(CannotDecrypt):
        Keyring(NEW).decrypt(rubbish, **PLACE)


def test_the_first_key_encrypts_and_all_decrypt():
    sealed = Keyring(OLD).encrypt(b"secret", **PLACE)
    both = Keyring(NEW | OLD)
    assert both.decrypt(sealed, **PLACE) == b"secret"
    assert key_id(both.encrypt(b"secret", **PLACE)) == "new"
    with pytest.raises(CannotDecrypt):
        Keyring(NEW).decrypt(sealed, **PLACE)


def test_a_keyring_shows_ids_alone():
    assert repr(Keyring(OLD | NEW)) == "Keyring(old, new)"


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path):
    made = load_or_make_keys(tmp_path)
    assert load_or_make_keys(tmp_path) == made
    assert [len(key) for key in made.values()] == [32]
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
