"""What hosts really say when they refuse, and what becomes of each of their sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from kimi_cli.wire.failure import Failure, classify
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.refusal import from_response, from_stream
from tests.doubles import spoken, spoken_elsewhere
from tests.wire.build import WINDOW

if TYPE_CHECKING:
    from tests.doubles.spoken import Spoken

ADVICE: Final = {
    "Groq": Advice(provider="groq", model="kimi", successor="openai/gpt-oss-120b", base_url="https://groq.test/v1"),
    "Moonshot": Advice(provider="moonshot", model="kimi-k2", successor="kimi-k2.6", base_url="https://moon.test"),
    "OpenRouter": Advice(provider="openrouter", model="kimi", base_url="https://router.test/v1"),
    "mine": Advice(provider="mine", model="kimi-k2", base_url="http://127.0.0.1:8000/v1"),
}
SAID: Final = {
    "Groq": spoken.GROQ,
    "Moonshot": spoken.MOONSHOT,
    "OpenRouter": spoken_elsewhere.OPENROUTER,
    "mine": {**spoken_elsewhere.ENGINES, **spoken_elsewhere.OTHERS, **spoken_elsewhere.PAGES},
}
ALL: Final = [(host, name) for host, said in SAID.items() for name in said]

KEY = (424, "authentication_error", False)
BALANCE = (402, "billing_error", False)
MODEL = (424, "not_found_error", False)
FORBIDDEN = (424, "permission_error", False)
LIMIT = (429, "rate_limit_error", None)
FAR = (429, "rate_limit_error", False)
BUSY = (529, "overloaded_error", None)
BROKEN = (500, "api_error", None)
WRONG = (400, "invalid_request_error", False)
TIER = (400, "policy_blocked", False)
FINAL = (424, "api_error", False)

EXPECTED: Final[dict[str, dict[str, tuple[tuple[int, str, bool | None], str]]]] = {
    "Groq": {
        "key": (KEY, r"Invalid API Key\. .* from https://console\.groq\.com/keys, with: kimi set-key groq$"),
        "retired": (MODEL, r".* has been decommissioned .*: kimi model openai/gpt-oss-120b --provider groq$"),
        "model": (MODEL, r"The model `kimi` does not exist .*: kimi model openai/gpt-oss-120b --provider groq$"),
        "tier": (
            TIER,
            r"Your Groq tier allows 8,000 tokens a minute; this request needs 13,200: .*console\.groq\.com/settings.*",
        ),
        "minute": (LIMIT, r"Rate limit reached .*on tokens per minute \(TPM\): Limit 8000, .*try again in 45\.3s\..*"),
        "day": (
            FAR,
            r"Rate limit reached .*tokens per day \(TPD\).*in 1h30m18\.7s\. .*: https://console\.groq\.com/settings/billing$",
        ),
        "busy": (BUSY, r".* is currently over capacity\. Please try again and back off exponentially\.$"),
        "flex": (BUSY, r"Flex tier capacity exceeded\.$"),
        "call": (BROKEN, r"Failed to call a function\. .*"),
        "json": (BROKEN, r"Failed to validate JSON\. .*"),
        "overflow": (WRONG, r"prompt is too long: 1000 tokens > 800 maximum$"),
    },
    "Moonshot": {
        "key": (KEY, r"Invalid Authentication\. .*platform\.kimi\.ai/console/api-keys, with: kimi set-key moonshot$"),
        "balance": (BALANCE, r"Your account is suspended .*\. Top up at https://platform\.kimi\.ai/console/pay .*"),
        "inactive": (BALANCE, r"Your account is not active, exceeded current quota, .*Top up at .*"),
        "retired": (MODEL, r"Not found the model .*: kimi model kimi-k2\.6 --provider moonshot$"),
        "concurrency": (LIMIT, r"Your account request reached .*concurrency: 1, .*: https://platform\.kimi\.ai/.*"),
        "requests": (LIMIT, r"Your account request reached organization max RPM: 3, .*"),
        "project": (LIMIT, r"Your account request reached project TPM rate limit, .*"),
        "busy": (BUSY, r"The engine is currently overloaded, please try again later$"),
        "overflow": (WRONG, rf"prompt is too long: 140123 tokens > {WINDOW} maximum$"),
        "filter": (FORBIDDEN, r"The request was rejected because it was considered high risk\. .*/rewind.*"),
        "coding": (FORBIDDEN, r"Kimi For Coding .* --format anthropic --base-url https://api\.kimi\.com/coding .*"),
    },
    "OpenRouter": {
        "balance": (BALANCE, r"This request requires more credits.*/settings/credits and upgrade to a paid account$"),
        "limit": (BALANCE, r"Key limit exceeded .*settings/keys$"),
        "moderated": (FORBIDDEN, r'moonshotai/kimi-k3 requires moderation on Host\. .*"violence"\. .*'),
        "host is broke": (BALANCE, r"Moonshot AI: Your account is suspended .*billing details$"),
        "host is busy": (BUSY, r"Moonshot AI: moonshotai/kimi-k2\.6 is temporarily rate-limited upstream\. .*"),
        "host is down": (BROKEN, r"Host: Provider returned error$"),
        "model": (MODEL, r"No endpoints found .*: kimi models --provider openrouter$"),
        "key": (KEY, r"User not found\. .*: kimi set-key openrouter$"),
        "day": (FAR, r"Rate limit exceeded: free-models-per-day\. .*"),
    },
    "mine": {
        "vllm model": (MODEL, r"The model `kimi` does not exist\. .*: kimi models --provider mine$"),
        "vllm key": (KEY, r"Unauthorized\. Store another key with: kimi set-key mine$"),
        **dict.fromkeys(
            ("vllm answer", "vllm later", "sglang answer", "together answer"),
            (WRONG, rf"input length and `max_tokens` exceed context limit: 110000 \+ 32000 > {WINDOW}$"),
        ),
        "llama.cpp": (WRONG, rf"prompt is too long: 140123 tokens > {WINDOW} maximum$"),
        "ollama model": (MODEL, r'model "kimi-k2" not found, try pulling it first\. .*: ollama pull kimi-k2$'),
        "ollama tools": (MODEL, r".* does not support tools\. .*: kimi models --provider mine$"),
        "fastapi": (WRONG, r"body\.messages\.0: Field required$"),
        "litellm key": (KEY, r"Authentication Error, .*Key Hash \(Token\) =\[redacted\]\. .*: kimi set-key mine$"),
        "litellm host's key": (KEY, r"Groq: Invalid API Key$"),
        "litellm limit": (LIMIT, r"OpenAI: You are going too fast, please try again in 20s$"),
        "litellm overflow": (WRONG, r"prompt is too long: 1000 tokens > 800 maximum$"),
        "litellm budget": (BALANCE, r"Budget has been exceeded! .*: kimi provider NAME$"),
        "litellm model": (MODEL, r".*Invalid model name .*: kimi models --provider mine$"),
        "together balance": (BALANCE, r"Credit limit exceeded, please add credits\. .*"),
        "together model": (MODEL, r"Unable to access model .*"),
        "fireworks balance": (BALANCE, r"Account mine is suspended, .*billing for more information\.$"),
        "fireworks model": (MODEL, r"Model not found, inaccessible, and/or not deployed\. .*"),
        "deepinfra balance": (BALANCE, r"inference prohibited, please enter a payment method\. .*"),
        "deepinfra busy": (BUSY, r"Model busy, retry later$"),
        "deepinfra key": (KEY, r"User is not authenticated\. .*"),
        "baseten key": (KEY, r"Unauthorized\. .*"),
        "novita balance": (BALANCE, r"not enough balance\. .*"),
        "novita model": (MODEL, r"model not found\. .*"),
        "huggingface loading": (BUSY, r"Model moonshotai/Kimi-K2 is currently loading$"),
        "nginx": (BROKEN, r"mine answered HTTP 502: 502 Bad Gateway$"),
        "cloudflare": (FORBIDDEN, r"mine answered HTTP 403: Attention Required! \| Cloudflare$"),
        "go": (MODEL, r"mine answered HTTP 404: 404 page not found\. Is http://127\.0\.0\.1:8000/v1 the right .*"),
        "moved": (FINAL, r".* redirects to https://api\.new\.test/v2/chat/completions, .*--base-url https://\S+/v2$"),
        "login": (FINAL, r".* redirects to https://login\.test/saml, .*kimi provider mine --base-url URL$"),
        "empty": (BROKEN, r"mine answered HTTP 500 without an explanation\.$"),
        "event": (WRONG, r"The first event is an error\.$"),
    },
}
FREE: Final = ("prompt is too long", "input length and", "Your Groq tier", "mine answered")
"""Sentences that are not the host's own."""


def failure_of(host: str, said: Spoken, *, advice: Advice | None = None) -> Failure:
    refusal = from_response(
        host=host,
        status=said.status,
        headers=said.headers,
        body=said.raw,
        window=WINDOW,
        estimate=9,
        advice=ADVICE[host] if advice is None else advice,
    )
    return classify(refusal)


@pytest.mark.parametrize(("host", "name"), ALL)
def test_every_refusal_has_its_row(host: str, name: str) -> None:
    """Type, status and advice are what makes the client wait, stop or compact; the message says what helps."""
    failure = failure_of(host, SAID[host][name])
    answer, words = EXPECTED[host][name]
    assert (failure.status, failure.kind, failure.should_retry) == answer
    mark = "" if failure.message.startswith(FREE) else f"{host}: "
    assert re.match(mark + words, failure.message), failure.message


@pytest.mark.parametrize(("host", "name"), ALL)
def test_a_message_is_one_line_that_gives_nothing_away(host: str, name: str) -> None:
    """No organisation, project, key or user is named, nothing is said twice, and no wrapper is left."""
    for advice in (ADVICE[host], NO_ADVICE):
        message = failure_of(host, SAID[host][name], advice=advice).message
        assert not [secret for secret in (*spoken.SECRETS, "secret1234") if secret in message]
        assert message.isprintable()
        assert message.count(f"{host}: ") <= 1
        assert not re.search(r"litellm\.|Exception - |Received Model|\{\"error|Error code|<[a-z]+>", message)
        assert "None" not in message
        assert len(message) < 600


@pytest.mark.parametrize(
    ("host", "name"), [(host, name) for host, name in ALL if isinstance(SAID[host][name].body, dict)]
)
def test_an_error_in_a_stream_is_the_same(host: str, name: str) -> None:
    """It makes no difference whether the host refuses before its answer or instead of the rest of it."""
    said = SAID[host][name]
    assert isinstance(said.body, dict)
    error = said.body.get("error", said.body)
    inside = {**error, "status_code": said.status} if isinstance(error, dict) else error
    refusal = from_stream(host=host, error=inside, window=WINDOW, estimate=9, advice=ADVICE[host])
    failure, expected = classify(refusal), failure_of(host, said)
    if not isinstance(error, dict):  # a sentence alone has no status
        assert failure.message == f"{host}: {error}"
        return
    assert (failure.status, failure.kind, failure.message) == (expected.status, expected.kind, expected.message)


def test_what_a_user_cannot_mend_has_no_hint() -> None:
    """Nobody is told to store a key or to top up where it is a gateway's own account that is refused."""
    for host, name in (("OpenRouter", "host is broke"), ("mine", "litellm host's key")):
        assert "kimi" not in failure_of(host, SAID[host][name]).message


def test_kimi_code_at_its_right_address_is_not_sent_there_again() -> None:
    """The hint is left out where it has been followed."""
    advice = Advice(provider="kimi-code", base_url="https://api.kimi.com/coding/")
    assert "base-url" not in failure_of("Moonshot", spoken.MOONSHOT["coding"], advice=advice).message


def test_a_redirect_says_nothing_that_could_be_a_secret() -> None:
    """Neither a login nor a query is repeated, and what is no address is not called one."""
    cases = {
        "https://user:pass1234@new.test:8443/v1/messages?token=abcd1234#x": "https://new.test:8443/v1/messages",
        "/v2/chat/completions": "http://127.0.0.1:8000/v2/chat/completions",
        "ftp://new.test/": "mine answered HTTP 308. Is http://127.0.0.1:8000/v1 the right base URL?",
        "https://[": "mine answered HTTP 308. Is http://127.0.0.1:8000/v1 the right base URL?",
        "": "mine answered HTTP 308. Is http://127.0.0.1:8000/v1 the right base URL?",
        "https://new.test/" + "x" * 500: "https://new.test/" + "x" * 182 + "…",
    }
    for location, words in cases.items():
        said = spoken.Spoken(308, "", {"location": location})
        message = failure_of("mine", said).message
        assert words in message, message
        assert not re.search("pass1234|abcd1234", message)
