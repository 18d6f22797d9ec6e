"""What is fetched from the web: through the proxy of the environment, without redirects, and not for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from router.web.fetching import Fetcher, FetchError
from tests.support.certificates import root, stranger
from tests.support.outside import Outside, outside

HOST = "sns.eu-west-1.amazonaws.com"
AT = f"https://{HOST}/a.pem"


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    async with outside(tmp_path, monkeypatch, HOST) as web_of_test:
        yield web_of_test


async def reason(fetcher: Fetcher, address: str = AT) -> str:
    with pytest.raises(FetchError) as error:
        await fetcher.fetch(address)
    assert HOST not in str(error.value)
    return str(error.value)


async def test_it_goes_through_the_proxy_that_the_environment_names(there: Outside) -> None:
    there.pages[AT] = b"content"
    there.pages["http://crt.example/a.cer"] = b"plain"

    assert await Fetcher().fetch(AT) == b"content"
    assert await Fetcher().fetch("http://crt.example/a.cer") == b"plain"
    assert there.tunnels == [f"{HOST}:443"]


async def test_an_address_is_asked_for_letter_by_letter(there: Outside) -> None:
    address = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:a%2Fb&Token=x+y%20z"
    there.pages[address] = b"<xml/>"

    assert await Fetcher().fetch(address) == b"<xml/>"
    assert there.asked == [address]


@pytest.mark.parametrize("status", [201, 204, 301, 302, 303, 307, 308, 401, 404, 500, 503])
async def test_only_200_counts_and_a_redirect_is_not_followed(there: Outside, status: int) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"https://{HOST}/b.pem"})

    there.pages[AT] = page
    there.pages[f"https://{HOST}/b.pem"] = b"content"

    assert await reason(Fetcher()) == f"the answer was {status}"
    assert there.asked == [AT]


async def test_more_than_may_be_is_not_read(there: Outside) -> None:
    there.pages[AT] = b"x" * 100_000
    at_most = f"https://{HOST}/most"
    there.pages[at_most] = b"x" * 65_536

    assert await reason(Fetcher()) == "the answer is larger than 65,536 bytes"
    assert len(await Fetcher().fetch(at_most)) == 65_536


async def test_an_answer_that_does_not_end_is_not_waited_for(there: Outside) -> None:
    gone = asyncio.Event()

    async def page(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await gone.wait()
        return response

    there.pages[AT] = page

    assert await reason(Fetcher(within_s=0.2)) == "no answer within 0.2 s"
    gone.set()


async def test_a_host_that_cannot_prove_itself_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outside(tmp_path, monkeypatch, "another.example") as other_host:
        other_host.pages[AT] = b"content"
        assert "it cannot be reached" in await reason(Fetcher())
    async with outside(tmp_path, monkeypatch, HOST, by=stranger()) as other_root:
        other_root.pages[AT] = b"content"
        assert "it cannot be reached" in await reason(Fetcher())
    assert other_host.asked == other_root.asked == []


async def test_where_nobody_listens_it_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, there: Outside
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    assert "it cannot be reached" in await reason(Fetcher())
    assert there.tunnels == []


async def test_what_tls_trusts_is_what_certificates_are_followed_to(there: Outside) -> None:
    assert await Fetcher().roots() == [root().der]
    assert there.asked == []
