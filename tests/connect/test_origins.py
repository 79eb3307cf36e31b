"""Which addresses of sites are accepted, and who may frame a page."""

import pytest

from app.connect.origins import accepted_base_url, accepted_display_url, frame_origins

ALLOWED = (
    "https://*.atlassian.net",
    "https://*.jira.com",
    "http://localhost:4000",
    "https://127.0.0.1:4001",
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://ours.atlassian.net/wiki", "https://ours.atlassian.net/wiki"),
        ("https://ours.atlassian.net/wiki/", "https://ours.atlassian.net/wiki"),
        ("https://ours.atlassian.net", "https://ours.atlassian.net"),
        ("https://OURS.Atlassian.net/wiki", "https://ours.atlassian.net/wiki"),
        ("https://a.b.atlassian.net/wiki", "https://a.b.atlassian.net/wiki"),
        ("https://ours.jira.com/wiki", "https://ours.jira.com/wiki"),
        ("http://localhost:4000/wiki", "http://localhost:4000/wiki"),
        ("https://127.0.0.1:4001", "https://127.0.0.1:4001"),
    ],
)
def test_an_allowed_address_is_kept_without_a_trailing_slash(given, kept):
    assert accepted_base_url(given, ALLOWED) == kept


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        "",
        "http://ours.atlassian.net/wiki",
        "https://ours.atlassian.net:443/wiki",
        "https://ours.atlassian.net:8443/wiki",
        "https://atlassian.net/wiki",
        "https://.atlassian.net/wiki",
        "https://ours..atlassian.net/wiki",
        "https://evilatlassian.net/wiki",
        "https://ours.atlassian.net.evil.example/wiki",
        "https://evil.example/.atlassian.net",
        "https://evil.example#.atlassian.net",
        "https://evil.example?.atlassian.net",
        "https://evil.example\\.atlassian.net",
        "https://user@ours.atlassian.net/wiki",
        "https://evil.example:80@ours.atlassian.net/wiki",
        "https://ours.atlassian.net/wiki/other",
        "https://ours.atlassian.net/other",
        "https://ours.atlassian.net/wiki?x=1",
        "https://ours.atlassian.net/wiki#x",
        "https://ours.atlassian.net/wiki\n",
        " https://ours.atlassian.net/wiki",
        "https://ours.atlassian.net//wiki",
        "https://öurs.atlassian.net/wiki",
        "https://" + "a" * 250 + ".atlassian.net/wiki",
        "http://localhost/wiki",
        "http://localhost:4001/wiki",
        "https://localhost:4000/wiki",
        "http://127.0.0.1:4001",
        "https://10.0.0.1/wiki",
        "https://169.254.169.254/wiki",
        "javascript:alert(1)",
        "ftp://ours.atlassian.net",
    ],
)
def test_any_other_address_is_refused(given):
    assert accepted_base_url(given, ALLOWED) is None


def test_http_or_a_port_is_for_loopback_alone_even_if_it_is_written_out():
    written = ("http://plane.example", "https://plane.example:8443", "https://plane.example")
    assert accepted_base_url("http://plane.example/wiki", written) is None
    assert accepted_base_url("https://plane.example:8443/wiki", written) is None
    assert accepted_base_url("https://plane.example/wiki", written) == "https://plane.example/wiki"


BASE = "https://ours.atlassian.net/wiki"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://wiki.ours.example", "https://wiki.ours.example"),
        ("https://wiki.ours.example/wiki/", "https://wiki.ours.example/wiki"),
        (None, BASE),
        ("http://wiki.ours.example", BASE),
        ("https://wiki.ours.example; script-src *", BASE),
        ("https://*", BASE),
        ("https://wiki.ours.example:1", BASE),
    ],
)
def test_a_custom_domain_is_shown_only_if_it_is_plain_https(given, kept):
    assert accepted_display_url(given, BASE) == kept


def test_a_site_frames_pages_from_its_own_addresses_each_once():
    assert frame_origins(BASE, BASE) == ("https://ours.atlassian.net",)
    assert frame_origins(BASE, "https://wiki.ours.example/wiki") == (
        "https://ours.atlassian.net",
        "https://wiki.ours.example",
    )
    assert frame_origins("http://localhost:4000/wiki", BASE)[0] == "http://localhost:4000"
