"""The hash that binds a token to its request, against Atlassian's vectors and another signer."""

import hashlib
from urllib.parse import parse_qsl, quote, quote_plus

import atlassian_jwt.url_utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connect.query_hash import canonical_request, query_fields, query_string_hash
from app.errors import NotAuthenticated

VECTORS = [
    ("GET", "/test", "", "bad328fac990349a8c88393c1755bc4f984a9c387202229b8ed52e04ff7e9fec"),
    (
        "GET",
        "/test",
        "param=value",
        "be16910858a41fd19ea5c1b4e9decca9a784d1024cb00b2158defe2f29dc86dd",
    ),
    (
        "GET",
        "/test",
        "query=connect*",
        "0d28bc10d1972d9cab59e123ce17976eb32aad6957a13cfb8b97ced6d3fc8a29",
    ),
    (
        "GET",
        "/test",
        "notmuch=",
        "20fecded9951516a3447b1b556d0eb350de29770505253a30dc739502e05ddc7",
    ),
    (
        "GET",
        "/test",
        "ids=:2&ids=.2&ids=%3A1&ids=.1",
        "f0524d42e0f8661862e1f1e9add8757972a0043bb7136d641735d21874c5a056",
    ),
    (
        "GET",
        "/test",
        "c=%2520&c=%20&c=%2B&c=",
        "cbbcac9a6a02f3ad96c5ab5bf876dd9f79b2c61ceec5660a1c9d73a3b102ec2c",
    ),
    (
        "GET",
        "/test",
        "tuples=6%2C5%2C4&tuples=7%2C9%2C8&tuples=1%2C2%2C3",
        "f9f62bb61191dff1b219e9ade8ac38fcfa46272ea76d9545410db6559fd8e7bd",
    ),
    (
        "GET",
        "/test",
        "a=a&A=A&b=b&B=B",
        "539adc2b0aef2ec8659825893b8b92e6a53c9483e2150b8185b08490d8b6de60",
    ),
    (
        "GET",
        "/path!$&'()*+,;=",
        "a=b",
        "9ef803f9cb8dea4f7f875caff8d31e95962c6e8bd44d64a848d6ebb055b2144b",
    ),
    ("POST", "/installed", "", "4a2e1de8ca74e6cafe8862d332fa3ac7a8e51e692bc6d798ea4dfedc14948bf4"),
]


def canonical(path: str, query: str = "", base_path: str = "", method: str = "GET") -> str:
    return canonical_request(method, path.encode(), query_fields(query.encode()), base_path)


@pytest.mark.parametrize(("method", "path", "query", "expected"), VECTORS)
def test_a_request_has_the_hash_that_atlassian_gives_it(method, path, query, expected):
    assert query_string_hash(method, path.encode(), query_fields(query.encode())) == expected


@pytest.mark.parametrize(
    ("path", "base_path", "canonical_path"),
    [
        ("", "", "/"),
        ("/", "", "/"),
        ("/pages/posture/", "", "/pages/posture"),
        ("/a%20b/%C3%A9", "", "/a%20b/%C3%A9"),
        ("/a&b", "", "/a%26b"),
        ("/connect/installed", "/connect", "/installed"),
        ("/connect", "/connect", "/"),
        ("/connect/", "/connect", "/"),
        ("/connected", "/connect", "/connected"),
        ("/a/connect/x", "/connect", "/a/connect/x"),
    ],
)
def test_the_path_is_hashed_as_sent_less_the_base_path(path, base_path, canonical_path):
    assert canonical(path, base_path=base_path) == f"GET&{canonical_path}&"


@pytest.mark.parametrize(
    ("query", "canonical_query"),
    [
        ("jwt=abc", ""),
        ("a=1&jwt=abc&jwt=def&b=2", "a=1&b=2"),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=10&a=1", "a=1,10,2"),
        ("a", "a="),
        ("a=1&&b=2", "a=1&b=2"),
        ("a=x+y%2Bz", "a=x%20y%2Bz"),
        ("a=~%7e*'()", "a=~~%2A%27%28%29"),
        ("a=1;b=2", "a=1%3Bb%3D2"),
        ("a%5B0%5D=x", "a%5B0%5D=x"),
    ],
)
def test_the_query_is_decoded_sorted_and_encoded_again(query, canonical_query):
    assert canonical("/", query) == f"GET&/&{canonical_query}"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/x", b"a=%ff"),
        (b"/x", b"\xff=1"),
        (b"/\xff", b""),
        (b"/x", b"&".join(b"a=%d" % n for n in range(201))),
    ],
)
def test_what_cannot_be_hashed_is_refused(path, query):
    with pytest.raises(NotAuthenticated):
        query_string_hash("GET", path, query_fields(query))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
encodings = st.sampled_from([quote, quote_plus, lambda text: quote(text, safe="/*:,~!'()")])
segments = st.text("abcXYZ019-._~!$&'()*+,=@é ", min_size=1, max_size=8).map(
    lambda text: quote(text, safe="-._~!$&'()*+,=@")
)


@given(
    method=st.sampled_from(["GET", "get", "POST", "DELETE"]),
    path=st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    fields=st.lists(st.tuples(texts, texts), max_size=6),
    encode=encodings,
)
def test_it_agrees_with_an_independent_signer(method, path, fields, encode):
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in fields)
    expected = atlassian_jwt.url_utils.hash_url(method, f"{path}?{query}")
    assert query_string_hash(method, path.encode(), query_fields(query.encode())) == expected


@given(fields=st.lists(st.tuples(texts, texts), min_size=1, max_size=6), data=st.data())
def test_the_order_of_parameters_does_not_matter(fields, data):
    shuffled = data.draw(st.permutations(fields))
    one, other = (
        "&".join(f"{quote(name)}={quote(value)}" for name, value in order)
        for order in (fields, shuffled)
    )
    assert canonical("/", one) == canonical("/", other)


@given(name=texts, value=texts, more=texts.filter(bool))
def test_a_changed_added_or_repeated_parameter_changes_the_hash(name, value, more):
    signed = f"n{quote(name)}={quote(value)}"
    for altered in (f"{signed}{quote(more, safe='')}", f"{signed}&x=1", f"{signed}&{signed}"):
        assert canonical("/", altered) != canonical("/", signed)


def test_the_hash_is_sha256_of_the_canonical_request():
    expected = hashlib.sha256(b"GET&/x&a=1").hexdigest()
    assert query_string_hash("GET", b"/x", query_fields(b"a=1")) == expected


raw_queries = st.text("ab=&+%20e9cfF;é", max_size=40)


@given(raw_queries)
def test_a_query_is_read_as_the_standard_library_reads_it(query):
    try:
        usual = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(NotAuthenticated):
            query_fields(query.encode())
    else:
        assert query_fields(query.encode()) == usual
