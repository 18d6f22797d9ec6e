"""Certificates: only the sender's count, and only if their chain leads to a root that is trusted."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from router.sources import certificate
from router.sources.certificate import (
    UntrustedError,
    missing_link,
    own_certificates,
    read_chain,
    trusted,
)
from router.sources.preset import Certificates
from tests.support.certificates import (
    SNS_NAME,
    Issued,
    intermediate,
    issue,
    leaf,
    root,
    stranger,
)

AT = datetime(2026, 11, 25, tzinfo=UTC)
NOW = AT.timestamp()
ISSUER_AT = "http://crt.r2m01.amazontrust.com/r2m01.cer"
WANTED = Certificates(
    address=re.compile("never"),
    names=re.compile(re.escape(SNS_NAME)),
    issuers=re.compile(r"http://crt\.r2m01\.amazontrust\.com/\w+\.cer"),
)


def chain(*links: Issued) -> list[x509.Certificate]:
    return [link.certificate for link in links]


ROOTS = chain(root())


def reason(links: list[x509.Certificate], roots: list[x509.Certificate] | None = None) -> str:
    """Return why a chain is not trusted."""
    with pytest.raises(UntrustedError) as error:
        trusted(links, ROOTS if roots is None else roots, WANTED, NOW)
    return str(error.value)


def test_a_chain_that_leads_to_a_root_is_trusted_in_any_order() -> None:
    sender = leaf(SNS_NAME)

    for links in (chain(sender, intermediate()), chain(intermediate(), sender, root())):
        found = trusted(links, ROOTS, WANTED, NOW)
        assert found.key.public_numbers() == sender.key.public_key().public_numbers()
        assert found.not_before < NOW < found.not_after


def test_a_chain_that_stops_short_says_where_it_goes_on() -> None:
    assert missing_link(chain(leaf(SNS_NAME)), ROOTS, WANTED) == ISSUER_AT
    assert missing_link(chain(leaf(SNS_NAME), intermediate()), ROOTS, WANTED) is None
    assert "not trusted" in reason(chain(leaf(SNS_NAME)))


@pytest.mark.parametrize(
    "address",
    [
        None,
        "http://169.254.169.254/r2m01.cer",
        "https://crt.r2m01.amazontrust.com/a.cer",
        "ldap:///",
    ],
)
def test_an_issuer_from_elsewhere_is_not_asked_for(address: str | None) -> None:
    sender = issue("elsewhere", intermediate(), hosts=[SNS_NAME], issuer_at=address)

    assert missing_link(chain(sender), ROOTS, WANTED) is None


def test_certificates_that_issue_each_other_are_followed_no_further_than_there_are() -> None:
    one = issue("one", Issued(intermediate().key, _named("two")), hosts=[SNS_NAME])
    two = issue("two", Issued(intermediate().key, _named("one")), is_ca=True)

    assert missing_link(chain(one, two), ROOTS, WANTED) is None
    assert "not trusted" in reason(chain(one, two))


def _named(name: str) -> x509.Certificate:
    return issue(name, is_ca=True).certificate


def test_what_nobody_vouches_for_is_not_trusted() -> None:
    assert "not trusted" in reason(chain(stranger()))
    assert "not trusted" in reason(chain(stranger(), intermediate()))
    assert "not trusted" in reason(chain(leaf(SNS_NAME), intermediate()), roots=[])


def test_another_root_of_the_same_name_is_another() -> None:
    other = issue("Root of the tests", is_ca=True, key=issue("another root", is_ca=True).key)

    assert "not trusted" in reason(chain(leaf(SNS_NAME), intermediate()), roots=chain(other))


@pytest.mark.parametrize(
    "name", ["sns.amazonaws.com.evil.example", "evil.example", "*.amazonaws.com", "amazonaws.com"]
)
def test_a_certificate_that_is_issued_to_another_does_not_count(name: str) -> None:
    other = issue(f"for {name}", intermediate(), hosts=[name])

    assert "somebody else" in reason(chain(other, intermediate()))


def test_a_common_name_alone_is_no_name_that_a_chain_is_trusted_for() -> None:
    other = issue(SNS_NAME, intermediate(), key=leaf(SNS_NAME).key)

    assert "not trusted" in reason(chain(other, intermediate()))


def test_the_first_certificate_of_the_sender_counts_whatever_stands_before_it() -> None:
    other = issue("before", intermediate(), hosts=["evil.example"])
    found = trusted(chain(other, leaf(SNS_NAME), intermediate()), ROOTS, WANTED, NOW)

    assert found.key.public_numbers() == leaf(SNS_NAME).key.public_key().public_numbers()


def test_what_has_ended_is_not_trusted_and_neither_is_what_it_issued() -> None:
    yesterday = AT - timedelta(days=1)
    ended = issue("ended", intermediate(), hosts=[SNS_NAME], ends=yesterday)
    old = issue("old intermediate", root(), is_ca=True, ends=yesterday)
    under_old = issue("under old", old, hosts=[SNS_NAME])

    assert "not valid" in reason(chain(ended, intermediate()))
    assert "not trusted" in reason(chain(under_old, old))


def test_one_that_may_issue_nothing_issues_nothing() -> None:
    no_ca = issue("no authority", intermediate(), hosts=["a.example"])
    under = issue("under no authority", no_ca, hosts=[SNS_NAME])

    assert "not trusted" in reason(chain(under, no_ca, intermediate()))


def test_a_key_of_another_kind_is_no_use() -> None:
    elliptic = issue(
        "elliptic", intermediate(), hosts=[SNS_NAME], key=ec.generate_private_key(ec.SECP256R1())
    )

    assert reason(chain(elliptic, intermediate())) == "its key is no RSA key"
    with pytest.raises(UntrustedError, match="no RSA key"):
        own_certificates(elliptic.pem)


def test_a_key_that_cannot_be_read_is_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreadable:
        def public_key(self) -> None:
            raise UnsupportedAlgorithm("of a later release")

    monkeypatch.setattr(certificate, "read_chain", lambda _content: [Unreadable()])

    with pytest.raises(UntrustedError, match="no RSA key"):
        own_certificates(b"")


def test_where_an_issuer_answers_for_its_certificates_is_not_where_its_own_is() -> None:
    ocsp = issue("with ocsp", intermediate(), hosts=[SNS_NAME], issuer_at=ISSUER_AT, is_ocsp=True)

    assert missing_link(chain(ocsp), ROOTS, WANTED) is None


def test_files_are_read_in_both_forms() -> None:
    sender = leaf(SNS_NAME)

    assert read_chain(sender.der) == [sender.certificate]
    assert read_chain(b"words\n" + sender.pem + intermediate().pem) == chain(sender, intermediate())
    for content in (b"", b"nonsense", sender.der[:-1], sender.pem[:100], b"-----BEGIN"):
        with pytest.raises(UntrustedError, match="no certificate"):
            read_chain(content)


def test_certificates_of_the_operators_own_need_no_chain() -> None:
    (own,) = own_certificates(stranger().pem)

    assert own.key.public_numbers() == stranger().key.public_key().public_numbers()
