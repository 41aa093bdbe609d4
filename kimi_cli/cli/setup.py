"""`kimi setup`: the wizard, and the same without questions.

Nothing is changed before the last step, so Ctrl-C on the way leaves everything as it was.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape

from kimi_cli.cli import questions
from kimi_cli.cli.correction import an_address, suggesting
from kimi_cli.cli.key import PLACES, read_secret, read_stdin, show_key_page
from kimi_cli.cli.screen import narration, show_failure, show_fix, show_warning
from kimi_cli.errors import (
    BaseUrlError,
    ClaudeNotFoundError,
    HostError,
    KeyMissingError,
    ModelMissingError,
    NotConfiguredError,
    SecretError,
)
from kimi_cli.launcher.claude import find_claude
from kimi_cli.launcher.resolve import needs_key
from kimi_cli.providers.catalogue import PROVIDERS, customised, find_provider
from kimi_cli.providers.provider import is_kimi
from kimi_cli.setup.forget import set_variable
from kimi_cli.setup.host import Verdict, ask_host, offers
from kimi_cli.setup.model_id import clean_model_id
from kimi_cli.setup.old_keys import find_old_keys, import_old_keys
from kimi_cli.setup.plan import Plan, carry_out
from kimi_cli.store.base_url import clean_base_url
from kimi_cli.store.keyring_backend import KeyringError
from kimi_cli.store.known import known_providers
from kimi_cli.store.paths import Paths
from kimi_cli.store.secrets import SecretStore, clean_key
from kimi_cli.store.settings import read_settings

if TYPE_CHECKING:
    from datetime import date

    from kimi_cli.providers.provider import Format, Provider
    from kimi_cli.setup.host import HostAnswer
    from kimi_cli.setup.old_keys import OldKey
    from kimi_cli.store.settings import Settings


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says; None is left open."""

    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    key_stdin: bool = False
    yes: bool = False
    insecure: bool = False

    @property
    def asks(self) -> bool:
        """Whether there may be questions: on a terminal, and where nothing was answered beforehand."""
        answered = self.provider or self.model or self.base_url or self.key_stdin or self.yes
        return not answered and sys.stdin.isatty() and sys.stderr.isatty()


def setup(given: Given, *, goes_on: bool = False) -> None:
    """Set up a provider, its key and its model; with `goes_on` a launch follows by itself."""
    wizard = _Wizard(given, datetime.now(tz=UTC).date())
    console = narration()
    if given.asks:
        console.print("[bold]Claude Code on Kimi models.[/] Ctrl-C leaves everything as it is.\n")
    has_claude = wizard.look_for_claude()
    try:
        wizard.ask_about_old_keys()
        plan = wizard.plan()
    except KeyboardInterrupt:
        console.print("\nNothing is changed.")
        raise
    wizard.store(plan)
    wizard.offer_completion()
    if not has_claude:
        console.print("\nReady, but for Claude Code. Install it as shown above, then type [bold]kimi[/].")
    else:
        console.print("\nReady." if goes_on else "\nReady. Type [bold]kimi[/] to start.")


class _Wizard:
    def __init__(self, given: Given, today: date) -> None:
        self._given, self._today = given, today
        self._paths = Paths.find(os.environ)
        self._settings: Settings = read_settings(self._paths.settings_file)
        self._known = known_providers(self._settings)
        self._secrets = SecretStore(self._paths, os.environ)
        self._taken_over: list[OldKey] = []

    def look_for_claude(self) -> bool:
        """Say where Claude Code is, or how it is installed here; whether it is there."""
        console = narration()
        try:
            console.print(f"Claude Code is at {escape(str(find_claude(os.environ).path))}.\n", soft_wrap=True)
        except ClaudeNotFoundError as error:
            console.print("[yellow]Claude Code is not installed.[/] It can be, in another terminal, meanwhile.")
            show_fix(console, error.install)
            console.print()
            return False
        return True

    def ask_about_old_keys(self) -> None:
        """Offer keys that the tool's predecessor left in plain files; without a terminal they are only named."""
        console = narration()
        for old in find_old_keys(os.environ):
            if not self._given.asks:
                console.print(
                    f"[yellow]Note:[/] {escape(str(old.file))} holds a key; kimi setup on a terminal imports it.",
                    soft_wrap=True,
                )
            elif questions.ask_for_import(old.masked, str(old.file)):
                self._taken_over.append(old)

    def _import(self, old: OldKey) -> None:
        (result,) = import_old_keys([old], self._paths, os.environ)
        if isinstance(result.failure, KeyringError) and questions.ask_for_insecure_storage(str(result.failure)):
            (result,) = import_old_keys([old], self._paths, os.environ, insecure=True)
        if result.source is not None and result.old.provider is not None:
            name = PROVIDERS[result.old.provider].name
            narration().print(f"The old key for {name} is in {PLACES[result.source]}.")
        if result.failure is not None:
            show_failure(result.failure)

    def offer_completion(self) -> None:
        if self._given.asks and questions.ask_for_completion():
            from kimi_cli.cli.app import app

            try:
                with suppress(SystemExit):
                    app(["--install-completion"], prog_name="kimi")
            except OSError as error:
                sentence = f"The shell's start-up could not be changed ({error.strerror})."
                show_warning(sentence, fix="kimi --show-completion, and put that where your shell reads it")

    def plan(self) -> Plan:
        """Everything that has to be decided, asked or given."""
        provider = self._provider()
        if self._given.asks:
            narration().print("\n[bold]2. The key[/]\n")
        key, stored = self._key(provider)
        while True:
            value = key if key is not None else stored
            answer = self._ask(provider, value)
            if answer.verdict is not Verdict.REFUSED:
                break
            if not self._given.asks:
                raise HostError(answer.sentence, fix=f"kimi set-key {provider.id}")
            said = answer.sentence if value else f"{provider.name} wants a key."
            narration().print(f"[red]{escape(said)}[/]\n")
            self._taken_over = [old for old in self._taken_over if old.value != value]
            key = self._read_key(provider)
        model = self._model(provider, answer)
        base_url = provider.base_url if provider.base_url != self._known[provider.id].base_url else None
        return Plan(provider=provider, base_url=base_url, model=model, key=key, insecure=self._given.insecure)

    def store(self, plan: Plan) -> None:
        """Carry the plan out; where no keyring works, in a file if that is wanted."""
        console = narration()
        if plan.key is not None or self._taken_over:
            console.print()
        for old in self._taken_over:
            self._import(old)
        try:
            source = carry_out(plan, self._paths, os.environ)
        except KeyringError as error:
            if not (self._given.asks and questions.ask_for_insecure_storage(str(error))):
                raise
            source = carry_out(replace(plan, insecure=True), self._paths, os.environ)
        if source is not None:
            console.print(f"The key for {plan.provider.name} is in {PLACES[source]}.")
            variable = set_variable(plan.provider.key_variables, os.environ)
            if variable:
                console.print(f"[yellow]Note:[/] {variable} is set, and is used instead while it is.")

    def _provider(self) -> Provider:
        current = self._given.provider or self._settings.provider
        if self._given.asks:
            with_key = {one.id for one in self._known.values() if set_variable(one.key_variables, os.environ)}
            now = (self._settings.provider or "").strip().lower()
            chosen = questions.choose_provider(self._known, now, with_key=with_key, today=self._today)
        elif current is None:
            raise NotConfiguredError("No provider is chosen.", fix="kimi setup --provider NAME --key-stdin")
        else:
            with suggesting("kimi setup --provider"):
                chosen = find_provider(current, providers=self._known)
        own = self._settings.of(chosen.id)
        base_url = self._given.base_url or own.base_url
        spoken = own.format or chosen.format
        if base_url is None and not chosen.base_url:
            if not self._given.asks:
                fix = f"kimi setup --provider {chosen.id} --base-url URL --model ID"
                raise NotConfiguredError(f"{chosen.name} has no address.", fix=fix)
            base_url = _ask_base_url(spoken)
        with an_address(f"kimi setup --provider {chosen.id}"):
            clean = clean_base_url(base_url, format=spoken) if base_url else None
        return customised(chosen, base_url=clean, format=own.format, key_variable=own.key_variable)

    def _key(self, provider: Provider) -> tuple[str | None, str | None]:
        """A new key, and the one that is there."""
        if self._given.key_stdin:
            return clean_key(provider, read_stdin()), None
        if not self._given.asks:
            stored = self._secrets.read_key(provider)
            if stored is None and needs_key(provider):
                variable = provider.key_variables[0] if provider.key_variables else None
                raise KeyMissingError(provider.id, provider_name=provider.name, variable=variable)
            return None, stored.value if stored else None
        try:
            stored = self._secrets.read_key(provider)
        except SecretError as error:  # which may be why somebody is here
            show_warning(str(error))
            stored = None
        if stored is not None and questions.ask_to_keep_key(stored.masked, stored.detail):
            return None, stored.value
        if stored is None:
            old = next((one for one in self._taken_over if one.provider == provider.id), None)
            if old is not None:
                return None, old.value
        if needs_key(provider):
            return self._read_key(provider), None
        if provider.base_url.startswith("https://"):  # there may be a key, and nobody knows
            return self._read_key(provider, is_optional=True), None
        return None, stored.value if stored else None

    def _read_key(self, provider: Provider, *, is_optional: bool = False) -> str | None:
        """Ask until it is a key, or none where that will do."""
        show_key_page(provider)
        while True:
            text = read_secret(provider, is_optional=is_optional)
            if is_optional and not text.strip():
                return None
            try:
                return clean_key(provider, text)
            except SecretError as error:
                narration().print(f"[red]{escape(str(error))}[/]\n")

    def _ask(self, provider: Provider, key: str | None) -> HostAnswer:
        console = narration()
        with console.status(f"Asking {provider.name}"):
            answer = ask_host(provider, key)
        if answer.verdict is Verdict.ACCEPTED:
            console.print(f"{provider.name} takes the key." if key else f"{provider.name} answers.")
        elif answer.verdict is not Verdict.REFUSED:
            show_warning(f"{answer.sentence} The key was not checked." if key else answer.sentence)
        return answer

    def _model(self, provider: Provider, answer: HostAnswer) -> str | None:
        """The model to set, or None where the catalogue's own choice is the one."""
        live = answer.models if answer.verdict is Verdict.ACCEPTED else None
        found = offers(provider, live, today=self._today)
        current = self._settings.of(provider.id).model
        ids = [offer.model.id for offer in found]
        listed = None if live is None else {model.id for model in live}
        given = self._given.model
        wanted = current if given is None else clean_model_id(given, fix="kimi setup --model ID")
        if self._given.asks:
            is_gone = current is not None and listed is not None and current not in listed
            wanted = questions.choose_model(found, current=None if is_gone else current)
        if wanted is not None:
            if listed is not None and wanted not in listed:
                show_warning(f"{provider.name} does not list {wanted}.")
            return wanted
        default = provider.default_model(today=self._today)
        if default is not None and (live is None or default.id in ids):
            return default.id
        kimi = [one for one in ids if is_kimi(one)]
        if kimi:
            return kimi[0]
        raise ModelMissingError(provider.id, reason=provider.note or f"{provider.name} lists no Kimi model.")


def _ask_base_url(spoken: Format) -> str:
    """Ask until it can be one."""
    while True:
        text = questions.ask_base_url(None)
        try:
            return clean_base_url(text, format=spoken)
        except BaseUrlError as error:
            narration().print(f"[red]{escape(str(error))}[/]")
