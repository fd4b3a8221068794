"""The settings of telling: nobody is told unless they say so, and mistakes are named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from triage.errors import CallError
from triage.mailing import message
from triage.settings import TEMPLATE, Settings, load_settings
from triage.settings_telling import (
    SMTP_PASSWORD,
    TELLING_TEMPLATE,
    WEBHOOK_SECRET,
    Smtp,
    Telling,
    Webhook,
    is_this_machine,
)
from triage.telling import is_asked

MAIL = '[telling.smtp]\nhost = "smtp.council.example"\n'
FROM = 'from = "triage@council.example"\n'
_NOON = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)


def loaded(folder: Path, text: str) -> Settings:
    (folder / "triage.toml").write_text(text, "utf-8")
    return load_settings({}, folder=folder, environment={})


def test_nobody_is_told_unless_the_settings_say_so(tmp_path: Path) -> None:
    assert not is_asked(loaded(tmp_path, ""))
    assert not is_asked(loaded(tmp_path, TEMPLATE))
    assert not is_asked(loaded(tmp_path, f"[telling]\n{FROM}{MAIL}"))


def test_the_template_shows_settings_that_can_be_used(tmp_path: Path) -> None:
    lines = TELLING_TEMPLATE.splitlines()
    used = "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)
    settings = loaded(tmp_path, used)
    assert is_asked(settings)
    assert settings.telling.teams == {"Assessment North": ("north.managers@council.example",)}
    assert settings.telling.sender == "triage@council.example"
    assert settings.telling.smtp == Smtp(
        host="smtp.council.example", port=587, security="starttls", user="triage"
    )
    for model, shown in ((Telling, settings.telling), (Webhook, settings.webhook)):
        assert shown.model_fields_set == set(model.model_fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[telling]\nfoldr = 1", "unknown setting telling.foldr; did you mean folder?"),
        ("[telling]\nsender = 'a@b.c'", "unknown setting telling.sender; known are folder, from"),
        ("[telling]\nform = 'a@b.c'", "unknown setting telling.form; did you mean from?"),
        (f"{MAIL}pot = 25", "unknown setting telling.smtp.pot; did you mean port?"),
        ("[webhook]\nsecret = 'x'", "unknown setting webhook.secret; known are url, retries"),
        ("[teling]", "unknown setting teling; did you mean telling?"),
        ("[telling]\nall = 'a@b.c'", 'setting telling.all: is to be a list, as ["one", "another"]'),
        ("[telling]\nall = ['a b']", "setting telling.all.0: is to be one address, as name@counc"),
        ("[telling]\nall = ['a@b, c@d']", "setting telling.all.0: is to be one address"),
        ("[telling.teams]\nNorth = ['a@b\\n']", "setting telling.teams.North.0: is to be one addr"),
        ('[telling.teams]\nNorth = ["a@b\\nBcc: c@d"]', "telling.teams.North.0: is to be one addr"),
        ("[telling.teams]\n' ' = ['a@b']", "a team has a name; `all` under [telling] is for all"),
        ("[telling]\nall = ['a@b']", "setting telling: host under [telling.smtp] is missing: the"),
        (f"[telling]\n{MAIL}", "setting telling: from is missing"),
        (f"[telling]\n{FROM}all = ['a@b']\n[telling.smtp]\nport = 25", "host under [telling.smtp]"),
        ("[telling.smtp]\nhost = 'a b'", "telling.smtp.host: is to be the name of a mail server"),
        (f"{MAIL}port = 0", "setting telling.smtp.port: is to be 1 or more, not 0"),
        (f"{MAIL}security = 'ssl'", "setting telling.smtp.security: is to be 'starttls', 'tls' or"),
        (f"{MAIL}security = 'none'\nuser = 'x'", "security is to be starttls or tls, or the passw"),
        (f"{MAIL}password = 'x'", "unknown setting telling.smtp.password; known are host, port"),
        ("[telling]\nwhen_quiet = 'maybe'", "telling.when_quiet: is to be true or false"),
        ("[telling]\nlink = 'https://x/'", "setting telling.link: is to hold {case}, in place of"),
        ("[webhook]\nurl = 'council.example'", "is to be a web address, as https://council.exam"),
        ("[webhook]\nurl = 'http://council.example/'", "begin with https://; http:// is only"),
        ("[webhook]\nurl = 'ftp://council.example/'", "webhook.url: is to begin with https"),
        ("[webhook]\nurl = 'https://u:p@council.example/'", "is to hold no user or password"),
        ("[webhook]\nurl = 'https://council.example:99999/'", "is to be a web address"),
        ("[webhook]\nurl = 'https://council.example/a b'", "is to be a web address"),
        ("[webhook]\nretries = 11", "setting webhook.retries: is to be 10 or less, not 11"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CallError) as raised:
        loaded(tmp_path, text)
    (line,) = str(raised.value).splitlines()
    assert said in line


def test_a_mistake_shows_no_more_of_what_was_typed_than_is_safe(tmp_path: Path) -> None:
    with pytest.raises(CallError) as raised:
        loaded(tmp_path, f'[telling]\nall = ["{"x" * 500}\\u001b[31m"]')
    assert len(str(raised.value)) < 200
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("model", [Telling, Smtp, Webhook])
def test_the_readme_names_every_setting_of_telling(model: type[BaseModel]) -> None:
    page = (REPOSITORY / "README.md").read_text("utf-8")
    for name, field in model.model_fields.items():
        assert f"`{field.alias or name}`" in page
    assert all(f"`{name}`" in page for name in (SMTP_PASSWORD, WEBHOOK_SECRET))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_may_be_called_in_the_clear(host: str) -> None:
    assert is_this_machine(host)
    at = f"[{host}]" if ":" in host else host
    assert Webhook(url=f"http://{at}:8080/hook").name == f"http://{host}:8080"
    assert Smtp(host=host, security="none", user="triage").at == (host, 25)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example", "127.0.0.1.example", "0.0.0.0"])
def test_another_machine_may_not(host: str) -> None:
    assert not is_this_machine(host)
    with pytest.raises(ValidationError):
        Webhook(url=f"http://{host}/")


def test_what_may_be_secret_in_an_address_is_not_shown() -> None:
    assert Webhook(url="https://council.example/hook/s3cret?t=s3cret").name == (
        "https://council.example"
    )


@given(st.from_regex(r"[!-~]{1,20}@[!-~]{1,20}", fullmatch=True) | st.emails())
def test_every_address_that_is_taken_can_be_written_to(address: str) -> None:
    asked: dict[str, Any] = {"from": address, "all": [address], "smtp": {"host": "x"}}
    try:
        telling = Telling.model_validate(asked)
    except ValidationError:
        return
    made = message("x", "x\n", "<p>x</p>", telling.sender or "", telling.all, _NOON)
    assert [one.addr_spec for one in made["To"].addresses] == [address]
    assert made["From"].addresses[0].addr_spec == address
    assert b"\r\nTo: " + address.encode() in made.as_bytes().replace(b"\r\n ", b" ").replace(
        b"To:  ", b"To: "
    )
