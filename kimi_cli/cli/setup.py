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
from kimi_cli.cli.key import PLACES, read_secret, read_stdin
from kimi_cli.cli.screen import narration, show_failure
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
from kimi_cli.providers.catalogue import customised, find_provider
from kimi_cli.providers.provider import is_kimi
from kimi_cli.setup.choice import needs_key
from kimi_cli.setup.host import Verdict, ask_host, offers
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
    from kimi_cli.store.secrets import StoredKey
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
    if given.asks:
        narration().print("[bold]Claude Code on Kimi models.[/] Ctrl-C leaves everything as it is.\n")
    wizard.look_for_claude()
    wizard.import_old_keys()
    plan = wizard.plan()
    wizard.store(plan)
    wizard.offer_completion()
    narration().print("\nReady." if goes_on else "\nReady. Type [bold]kimi[/] to start.")


class _Wizard:
    def __init__(self, given: Given, today: date) -> None:
        self._given, self._today = given, today
        self._paths = Paths.find(os.environ)
        self._settings: Settings = read_settings(self._paths.settings_file)
        self._known = known_providers(self._settings)
        self._secrets = SecretStore(self._paths, os.environ)

    def look_for_claude(self) -> None:
        """Say where Claude Code is, or how it is installed here."""
        console = narration()
        try:
            console.print(f"Claude Code is at {escape(str(find_claude(os.environ).path))}.\n", soft_wrap=True)
        except ClaudeNotFoundError as error:
            console.print("[yellow]Claude Code is not installed.[/] Install it with:")
            console.print(f"  {escape(error.install)}", soft_wrap=True)

    def import_old_keys(self) -> None:
        """Offer keys that the tool's predecessor left in plain files; without a terminal they are only named."""
        console = narration()
        for old in find_old_keys(os.environ):
            if not self._given.asks:
                console.print(
                    f"[yellow]Note:[/] {escape(str(old.file))} holds a key; kimi setup on a terminal imports it."
                )
            elif questions.ask_for_import(old.masked, str(old.file)):
                self._import(old)

    def _import(self, old: OldKey) -> None:
        (result,) = import_old_keys([old], self._paths, os.environ)
        if isinstance(result.failure, KeyringError) and questions.ask_for_insecure_storage(str(result.failure)):
            (result,) = import_old_keys([old], self._paths, os.environ, insecure=True)
        if result.source is not None:
            narration().print(f"The key is in {PLACES[result.source]}.")
        if result.failure is not None:
            show_failure(result.failure)

    def offer_completion(self) -> None:
        if self._given.asks and questions.ask_for_completion():
            from kimi_cli.cli.app import app

            with suppress(SystemExit):
                app(["--install-completion"], prog_name="kimi")

    def plan(self) -> Plan:
        """Everything that has to be decided, asked or given."""
        provider = self._provider()
        key, stored = self._key(provider)
        while True:
            value = key if key is not None else stored.value if stored else None
            answer = self._ask(provider, value)
            if answer.verdict is not Verdict.REFUSED:
                break
            if not self._given.asks:
                raise HostError(answer.sentence, fix=f"kimi set-key {provider.id}")
            narration().print(f"[red]{escape(answer.sentence)}[/]")
            key = self._read_key(provider)
        model = self._model(provider, answer)
        base_url = provider.base_url if provider.base_url != self._known[provider.id].base_url else None
        return Plan(provider=provider, base_url=base_url, model=model, key=key, insecure=self._given.insecure)

    def store(self, plan: Plan) -> None:
        """Carry the plan out; where no keyring works, in a file if that is wanted."""
        try:
            source = carry_out(plan, self._paths, os.environ)
        except KeyringError as error:
            if not (self._given.asks and questions.ask_for_insecure_storage(str(error))):
                raise
            source = carry_out(replace(plan, insecure=True), self._paths, os.environ)
        if source is not None:
            narration().print(f"The key for {plan.provider.name} is in {PLACES[source]}.")

    def _provider(self) -> Provider:
        current = self._given.provider or self._settings.provider
        if self._given.asks:
            chosen = questions.choose_provider(self._known, self._settings.provider, today=self._today)
        elif current is None:
            raise NotConfiguredError("No provider is chosen.", fix="kimi setup --provider NAME --key-stdin")
        else:
            chosen = find_provider(current, providers=self._known)
        own = self._settings.of(chosen.id)
        base_url = self._given.base_url or own.base_url
        spoken = own.format or chosen.format
        if base_url is None and not chosen.base_url:
            if not self._given.asks:
                fix = f"kimi setup --provider {chosen.id} --base-url URL --model ID"
                raise NotConfiguredError(f"{chosen.name} has no address.", fix=fix)
            base_url = _ask_base_url(spoken)
        clean = clean_base_url(base_url, format=spoken) if base_url else None
        return customised(chosen, base_url=clean, format=own.format, key_variable=own.key_variable)

    def _key(self, provider: Provider) -> tuple[str | None, StoredKey | None]:
        """A new key, and the one that is there."""
        if self._given.key_stdin:
            return clean_key(provider, read_stdin()), None
        stored = self._secrets.read_key(provider)
        if self._given.asks:
            if stored and questions.ask_to_keep_key(stored.masked, stored.detail):
                return None, stored
            return (self._read_key(provider) if needs_key(provider) else None), stored
        if stored is None and needs_key(provider):
            variable = provider.key_variables[0] if provider.key_variables else None
            raise KeyMissingError(provider.id, provider_name=provider.name, variable=variable)
        return None, stored

    def _read_key(self, provider: Provider) -> str:
        """Ask until it is a key."""
        while True:
            try:
                return clean_key(provider, read_secret(provider))
            except SecretError as error:
                narration().print(f"[red]{escape(str(error))}[/]")

    def _ask(self, provider: Provider, key: str | None) -> HostAnswer:
        console = narration()
        with console.status(f"Asking {provider.name}"):
            answer = ask_host(provider, key)
        if answer.verdict is Verdict.ACCEPTED:
            console.print(f"{provider.name} takes the key." if key else f"{provider.name} answers.")
        elif answer.verdict is not Verdict.REFUSED:
            console.print(f"[yellow]Warning:[/] {escape(answer.sentence)} The key was not checked.")
        return answer

    def _model(self, provider: Provider, answer: HostAnswer) -> str | None:
        """The model to set, or None where the catalogue's own choice is the one."""
        live = answer.models if answer.verdict is Verdict.ACCEPTED else None
        found = offers(provider, live, today=self._today)
        current = self._settings.of(provider.id).model
        ids = [offer.model.id for offer in found]
        if self._given.asks:
            return questions.choose_model(found, current=current if current in ids else None)
        wanted = self._given.model or current
        if wanted is not None:
            if live is not None and wanted not in {model.id for model in live}:
                narration().print(f"[yellow]Warning:[/] {escape(f'{provider.name} does not list {wanted}.')}")
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
