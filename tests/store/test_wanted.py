"""What is wanted, and by whom: the strongest source that names something is right."""

from __future__ import annotations

import itertools

import pytest

from kimi_cli.errors import ProviderUnknownError, SettingsError
from kimi_cli.store.project import PROJECT_FILE
from kimi_cli.store.settings import save_provider
from kimi_cli.store.wanted import MisnamedProviderError, Named, Origin, read_wanted

SOURCES = ("flag", "environment", "project", "user")


@pytest.fixture
def cwd(sandbox):
    """A repository."""
    cwd = sandbox.home.resolve() / "repository"
    cwd.mkdir()
    return cwd


@pytest.fixture
def want(paths, cwd, sandbox):
    """What is wanted where each source names a provider, a model, both or nothing."""

    def read(*, flag=(None, None), environment=(None, None), project=(None, None), user=None, **given):
        texts = (f'{key} = "{value}"' for key, value in zip(("provider", "model"), project, strict=True) if value)
        (cwd / PROJECT_FILE).write_text("\n".join(texts))
        paths.config_dir.mkdir(parents=True, exist_ok=True)
        paths.settings_file.write_text(user or "")
        variables = zip(("KIMI_PROVIDER", "KIMI_MODEL"), environment, strict=True)
        environ = {**sandbox.environ(), **{name: value for name, value in variables if value is not None}}
        return read_wanted(paths, environ, cwd=cwd, provider=flag[0], model=flag[1], **given)

    return read


def test_nothing(paths, cwd, sandbox):
    """Where nobody names anything, nothing is wanted, and nothing is made."""
    wanted = read_wanted(paths, sandbox.environ(), cwd=cwd)
    assert (wanted.provider, wanted.host(), wanted.model("groq"), dict(wanted.slots("groq"))) == (None, None, None, {})
    assert wanted.warnings == ()
    assert not paths.config_dir.exists()


@pytest.mark.parametrize("sources", [set(some) for n in range(1, 5) for some in itertools.combinations(SOURCES, n)])
def test_providers(want, paths, cwd, sources):
    """Of all that name a provider the strongest is right, and is told with its flag, variable or file."""
    names = {"flag": "groq", "environment": "moonshot", "project": "together", "user": "novita"}
    details = {
        "flag": "--provider",
        "environment": "KIMI_PROVIDER",
        "project": str(cwd / PROJECT_FILE),
        "user": str(paths.settings_file),
    }
    given = {source: (names[source], None) for source in sources if source != "user"}
    wanted = want(**given, user='provider = "novita"' if "user" in sources else None)
    first = next(source for source in SOURCES if source in sources)
    assert wanted.provider == Named(names[first], Origin(first), details[first])
    assert wanted.host().id == names[first]


@pytest.mark.parametrize("sources", [set(some) for n in range(1, 5) for some in itertools.combinations(SOURCES, n)])
def test_models(want, sources):
    """Models that are named alone go with any provider, and the strongest is right."""
    given = {source: (None, source) for source in sources if source != "user"}
    wanted = want(**given, user='[providers.groq]\nmodel = "user"' if "user" in sources else None)
    first = next(source for source in SOURCES if source in sources)
    assert wanted.model("groq").value == first
    assert wanted.model("groq").origin is Origin(first)


def test_a_model_goes_with_its_provider(want):
    """A model that is named beside a provider means nothing where a stronger source names another provider."""
    user = '[providers.groq]\nmodel = "user"'
    wanted = want(flag=("groq", None), environment=("moonshot", "env"), project=("together", "project"), user=user)
    assert wanted.model("groq") == Named("user", Origin.USER, str(wanted.settings_file))
    wanted = want(environment=("Moonshot ", None), project=("moonshot", "project"), user=user)
    assert wanted.model("moonshot").value == "project"
    wanted = want(flag=("groq", None), environment=(None, "env"), project=("groq", "project"), user=user)
    assert wanted.model("groq").value == "env"


def test_empty_is_nothing(want):
    """An empty flag or variable names nothing."""
    wanted = want(flag=(" ", ""), environment=("", " "), user='provider = "groq"')
    assert wanted.provider.origin is Origin.USER
    assert wanted.model("groq") is None


def test_slots(paths, cwd, sandbox):
    """A project's slots are over the user's, one by one, where its provider is the one in use."""
    user = {"opus": "o", "haiku": "h"}
    save_provider(paths.settings_file, "groq", slots=user)
    file, environ = cwd / PROJECT_FILE, sandbox.environ()
    for first, found in (('provider = "groq"', {"opus": "o", "haiku": "p"}), ('provider = "together"', user)):
        file.write_text(f'{first}\n[slots]\nhaiku = "p"\n')
        slots = read_wanted(paths, environ, cwd=cwd).slots("groq")
        assert {slot: named.value for slot, named in slots.items()} == found
    file.write_text('slots.haiku = "p"\n')
    slots = read_wanted(paths, environ, cwd=cwd).slots("groq")
    assert slots["haiku"] == Named("p", Origin.PROJECT, str(file))
    assert slots["opus"] == Named("o", Origin.USER, str(paths.settings_file))


def test_files_that_cannot_be_understood(want, paths, cwd):
    """A broken file is an error that names it; without a directory no project counts."""
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        want(user="provider =")
    with pytest.raises(SettingsError, match=r"\.kimi\.toml"):
        want(project=('a"', None))
    paths.settings_file.write_text("")
    assert read_wanted(paths, {}, cwd=None).project is None


def test_no_home(paths, cwd):
    """Without HOME the user database's directory ends the search, and nothing fails."""
    assert read_wanted(paths, {}, cwd=cwd).provider is None


@pytest.mark.parametrize(
    ("given", "start", "fix"),
    [
        ({"flag": ("grok", None)}, "There is no provider 'grok'", "kimi provider groq"),
        ({"environment": ("grok", None)}, "KIMI_PROVIDER: There is no", "export KIMI_PROVIDER=groq"),
        ({"environment": ("zzz", None)}, "KIMI_PROVIDER: There is no", "unset KIMI_PROVIDER"),
        ({"project": ("grok", None)}, "FILE: There is no", "kimi provider list, and change FILE"),
        ({"user": 'provider = "grok"'}, "SETTINGS: There is no", "kimi provider groq"),
        ({"user": 'provider = "zzz"'}, "SETTINGS: There is no", "kimi provider list"),
    ],
)
def test_providers_that_there_are_not(want, paths, cwd, given, start, fix):
    """A provider that there is not is an error that says who named it, and how to change that."""
    with pytest.raises(ProviderUnknownError) as caught:
        want(**given).host()

    def written(text):
        return text.replace("FILE", str(cwd / PROJECT_FILE)).replace("SETTINGS", str(paths.settings_file))

    assert str(caught.value).startswith(written(start))
    assert caught.value.fix == written(fix)
    assert isinstance(caught.value, MisnamedProviderError) is ("flag" not in given)


def test_added_providers(want, paths):
    """A provider of the user's own can be named by anybody, and comes as it is set."""
    want()
    save_provider(paths.settings_file, "local", base_url="http://127.0.0.1:9/v1", model="m")
    user = paths.settings_file.read_text()
    wanted = want(project=("local", None), user=user)
    assert wanted.host().base_url == "http://127.0.0.1:9/v1"
    assert wanted.model("local").value == "m"


def test_warnings(paths, cwd, sandbox):
    """What in both files means nothing is told, the user's first."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text("zzz = 1")
    (cwd / PROJECT_FILE).write_text('base_url = "u"')
    first, second = read_wanted(paths, sandbox.environ(), cwd=cwd).warnings
    assert first.startswith(str(paths.settings_file))
    assert second.startswith(str(cwd / PROJECT_FILE))
