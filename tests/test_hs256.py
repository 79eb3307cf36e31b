"""Keys of HS256: what they are made of, and that PyJWT agrees with what they sign and verify."""

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotAuthenticated
from app.hs256 import Key
from tests.connect.atlassian import INSTALL_KEY, pem

SECRET = "a secret that nobody may read in a log"


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9)), st.binary(min_size=32))
def test_pyjwt_reads_what_a_key_signs_and_a_key_what_pyjwt_signs(claims, secret):
    theirs = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "k1"})
    key = Key(secret)
    assert key.signed(key.verified(theirs), {"kid": "k1"}) == theirs


def test_a_key_refuses_what_another_has_signed():
    token = Key(SECRET + "!").signed(b"{}", {})
    with pytest.raises(NotAuthenticated):
        Key(SECRET).verified(token)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
def test_a_key_refuses_every_other_algorithm(algorithm):
    secret = SECRET * 2
    token = jwt.encode({}, None if algorithm == "none" else secret, algorithm=algorithm)
    with pytest.raises(NotAuthenticated):
        Key(secret).verified(token)


@pytest.mark.parametrize("secret", ["", pem(INSTALL_KEY), '{"kty": "oct", "k": "c2VjcmV0"}'])
def test_what_is_a_key_of_another_kind_is_no_secret(secret):
    with pytest.raises(NotAuthenticated):
        Key(secret)


def test_a_key_shows_nothing_of_its_secret():
    shown = f"{Key(SECRET)!r} {Key(SECRET)} {[Key(SECRET)]}"
    assert "secret" not in shown
