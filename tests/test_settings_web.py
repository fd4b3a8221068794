"""The settings of the pages: nothing is opened unless they say so, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from triage.errors import CallError
from triage.settings import TEMPLATE, Settings, load_settings
from triage.settings_web import WEB_TEMPLATE, Group, Oidc, ProxyHeader, Web


def loaded(folder: Path, text: str) -> Settings:
    (folder / "triage.toml").write_text(text, "utf-8")
    return load_settings({}, folder=folder, environment={})


def test_nothing_is_opened_unless_the_settings_say_so(tmp_path: Path) -> None:
    for text in ("", TEMPLATE, "[web.oidc]\nclient_id = 'x'"):
        web = loaded(tmp_path, text).web
        assert (web.host, web.port, web.address) == ("127.0.0.1", 8080, None)
        assert web.local
        assert (web.oidc.issuer, web.oidc.groups) == (None, {})
        assert (web.header.name, web.header.senders, web.proxies) == (None, (), ())
        assert web.metrics_from == ("127.0.0.0/8", "::1")
        assert web.case_link is None


def test_the_template_shows_settings_that_can_be_used(tmp_path: Path) -> None:
    lines = WEB_TEMPLATE.splitlines()
    used = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in lines
    )
    web = loaded(tmp_path, used).web
    assert web.address == "https://triage.council.example"
    assert web.oidc.groups == {"triage-north-reviewers": Group(role="reviewer", teams=("North",))}
    assert web.header == ProxyHeader(name="X-Remote-User", senders=("127.0.0.1",))
    for model, shown in ((Web, web), (Oidc, web.oidc), (ProxyHeader, web.header)):
        assert shown.model_fields_set == set(model.model_fields)
    defaults = Web()
    for name in ("host", "port", "reports", "local"):
        assert getattr(web, name) == getattr(defaults, name)
    for name in ("client_id", "name_claim", "groups_claim"):
        assert getattr(web.oidc, name) == getattr(defaults.oidc, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[web]\nhst = 'x'", "unknown setting web.hst; did you mean host?"),
        ("[web]\nsecret = 'x'", "unknown setting web.secret; known are host, port, address, pr"),
        ("[web.oidc]\nsecret = 'x'", "unknown setting web.oidc.secret; known are issuer, client_"),
        ("[web.oidc]\nisuer = 'x'", "unknown setting web.oidc.isuer; did you mean issuer?"),
        ("[web.header]\nsender = []", "unknown setting web.header.sender; did you mean senders?"),
        ("[web]\nport = 0", "setting web.port: is to be 1 or more, not 0"),
        ("[web]\nport = 65536", "setting web.port: is to be 65535 or less, not 65536"),
        ("[web]\nport = '80a'", "setting web.port: is to be a whole number, not '80a'"),
        ("[web]\nlocal = 'yes'", "setting web.local: is to be true or false, not 'yes'"),
        ("[web]\nproxies = '10.1.2.3'", 'web.proxies: is to be a list, as ["one", "another"]'),
        ("[web]\nproxies = ['proxy.example']", "web.proxies.0: 'proxy.example' is no address, as"),
        ("[web]\nproxies = ['*']", "web.proxies.0: '*' is no address, as 10.1.2.3, and no networ"),
        ("[web]\nproxies = ['10.1.2.3/24']", "'10.1.2.3/24' is no address, as 10.1.2.3, and no n"),
        ("[web]\nmetrics_from = ['all']", "web.metrics_from.0: 'all' is no address, as 10.1.2.3"),
        ("[web]\naddress = 'triage.example'", "web.address: is to be a web address, as https://"),
        ("[web]\naddress = 'http://triage.example'", "is to begin with https://; http:// is only"),
        ("[web]\naddress = 'https://u:p@x.example'", "web.address: is to be a web address, as h"),
        ("[web]\naddress = 'https://x.example/?a=b'", "web.address: is to be a web address, as h"),
        ("[web]\naddress = 'https://x.example:99999'", "web.address: is to be a web address, as"),
        ("[web]\naddress = 'https://x.example/triage'", "web.address: is to end after the host"),
        ("[web.oidc]\nissuer = 'http://login.example'", "is to begin with https://; http:// is o"),
        ("[web.oidc]\nissuer = 'ftp://login.example'", "web.oidc.issuer: is to begin with https"),
        ("[web.oidc.groups.a]\nrole = 'boss'", "web.oidc.groups.a.role: is to be 'reviewer', 't"),
        ("[web.oidc.groups.a]\nteams = ['x']", "setting web.oidc.groups.a.role: "),
        ("[web.oidc.groups.a]\nrole = 'reviewer'\nteams = 'x'", "groups.a.teams: is to be a lis"),
        ("[web.header]\nname = 'X-User'", "senders is to name the addresses from which the head"),
        ("[web.header]\nname = 'X_User'\nsenders = ['10.1.2.3']", "is to be the name of a header"),
        ("[web.header]\nname = 'X: a'\nsenders = ['10.1.2.3']", "is to be the name of a header"),
        ("[web.header]\nname = 'X-U'\nsenders = ['0.0.0.0/0']", "believes everybody; name the"),
        ("[web]\nproxies = ['::/0']", "believes everybody; name the addresses"),
        ("[web]\ncase_link = 'https://x.example/'", "web.case_link: is to hold {child_id} or {ref"),
        ("[web]\ncase_link = 'javascript:{child_id}'", "is to be a web address of your case sys"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CallError) as raised:
        loaded(tmp_path, text)
    (line,) = str(raised.value).splitlines()
    assert said in line


def test_a_mistake_shows_no_more_of_what_was_typed_than_is_safe(tmp_path: Path) -> None:
    with pytest.raises(CallError) as raised:
        loaded(tmp_path, f'[web]\nproxies = ["{"x" * 500}\\u001b[31m"]')
    assert len(str(raised.value)) < 200
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("at", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"])
def test_this_machine_may_be_served_in_the_clear(at: str) -> None:
    assert Web(address=f"{at}/").address == at
    assert Oidc(issuer=at).issuer == at


@pytest.mark.parametrize("at", ["http://10.0.0.1", "http://localhost.example", "http://0.0.0.0"])
def test_another_machine_may_not(at: str) -> None:
    for model, field in ((Web, "address"), (Oidc, "issuer")):
        with pytest.raises(ValidationError):
            model.model_validate({field: at})


@pytest.mark.parametrize("model", [Web, Oidc, ProxyHeader, Group])
def test_every_setting_has_a_line_in_the_template(model: type[BaseModel]) -> None:
    tables = {"oidc", "header", "groups"}
    for name in set(model.model_fields) - tables:
        assert f"{name} = " in WEB_TEMPLATE
    assert all(f"[web.{name}]" in WEB_TEMPLATE for name in ("oidc", "header"))
    assert "# groups = {" in WEB_TEMPLATE
