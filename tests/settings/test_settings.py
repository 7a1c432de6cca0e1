"""What a person meets who writes a park file."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.parts import trusted_issuers
from hub.settings import load
from hub.units import duration

GOOD = """
[park]
name = "Test park"

[[quantity]]
name = "temperature"
unit = "Cel"
deadband = 0.2
heartbeat = "90s"

[[source]]
id = "cabinets"
adapter = "modbus"
every = "1s"
[source.config]
devices = [{ name = "c1", host = "127.0.0.1", map = "cabinet" }]
[source.config.maps.cabinet]
registers = [{ name = "temperature", address = 0, type = "int16", scale = 0.1, unit = "Cel" }]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "park.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(write(folder, text), {})
    return str(caught.value)


def test_a_good_file_gives_absolute_paths_and_checked_sources(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD), {})
    assert settings.state_dir == tmp_path / "var"
    assert settings.park_key == tmp_path / "park.key"
    assert settings.quantities["temperature"].heartbeat == timedelta(seconds=90)
    assert settings.sources[0].definition.name == "modbus"


@pytest.mark.parametrize(
    ("wrong", "named", "hint"),
    [
        (GOOD.replace("deadband", "dead_band"), "quantity[0].dead_band", "deadband"),
        (GOOD.replace("[park]", "[parc]"), "parc", "park"),
        (GOOD.replace('adapter = "modbus"', 'adapter = "modbuss"'), "source[0].adapter", "modbus"),
        (GOOD.replace("host =", "hosst ="), "source[0].config.devices[0].hosst", "host"),
        (GOOD.replace('"1s"', '"1 second"'), "source[0].every", "30s"),
        (GOOD.replace('name = "Test park"', 'name = "T"\ntimezone = "Asia/Chongqin"'), "park.timezone", "IANA"),
        (GOOD + "[web]\nport = 99999\n", "web.port", "65535"),
    ],
)
def test_a_wrong_setting_names_the_key_the_file_and_the_nearest_right_one(
    tmp_path: Path, wrong: str, named: str, hint: str
) -> None:
    text = refusal(tmp_path, wrong)
    assert "park.toml" in text
    assert named in text
    assert hint in text


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30), (" 1.5m ", 90), ("2h", 7200), ("90d", 7_776_000)]
)
def test_a_duration_is_a_number_and_its_unit(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1 parsec", "1e9s", "9999999999999d"])
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = refusal(tmp_path, GOOD.replace("deadband", "dead_band").replace('"90s"', '"soon"'))
    assert "dead_band" in text
    assert "soon" in text


@pytest.mark.parametrize("text", ['[graph]\npassword = "hunter2"\n', '[journal]\npassword = "hunter2"\n'])
def test_a_secret_in_plain_text_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    said = refusal(tmp_path, GOOD + text)
    assert "env" in said
    assert "hunter2" not in said


def test_the_environment_moves_the_graph_and_the_settings_remember_it(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD), {"NEO4J_URI": "neo4j://elsewhere:7687"})
    assert settings.graph.uri == "neo4j://elsewhere:7687"
    assert settings.graph_from_environment


@pytest.mark.parametrize(
    ("text", "said"),
    [("[park\n", "not TOML"), (GOOD + GOOD.partition("[[quantity]]")[2].join(["[[quantity]]", ""]), "twice")],
)
def test_broken_files_are_explained(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--config"):
        load(tmp_path / "none.toml", {})


ISSUER = '[park]\nname = "P"\n[[issuer]]\nurl = "https://login.example/realms/p"\naudience = "https://hub.example"\n'


def test_an_issuer_is_read_with_its_client_s_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ISSUER + 'introspect = "all"\nleeway = "90s"\nroles = { chef = "commander" }\n'
    settings = load(write(tmp_path, text + '[issuer.client]\nid = "hub"\nsecret = { env = "HUB_SECRET" }\n'), {})
    with pytest.raises(SettingsError, match=r"issuer\[0\].client.secret: .*HUB_SECRET is not set"):
        trusted_issuers(settings)
    monkeypatch.setenv("HUB_SECRET", "swordfish")
    [issuer] = trusted_issuers(settings)
    assert (issuer.url, issuer.leeway, dict(issuer.roles)) == (
        "https://login.example/realms/p",
        timedelta(seconds=90),
        {"chef": "commander"},
    )
    assert issuer.client is not None and issuer.client.secret == "swordfish"
    assert "swordfish" not in repr(issuer) + repr(settings)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('algorithms = ["HS256"]', "'HS256' is not taken; did you mean"),
        ('algorithms = ["none"]', "'none' is not taken"),
        ('introspect = "opaque"', "introspect needs `client`"),
        ('jwks_uri = "http://login.example/keys"', "https is needed"),
        ('leeway = "10m"', "leeway"),
        ('client = { id = "hub", secret = "swordfish" }', "a secret is never written here"),
        ('audiance = "x"', "did you mean 'audience'"),
    ],
)
def test_a_wrong_issuer_is_explained(tmp_path: Path, line: str, said: str) -> None:
    told = refusal(tmp_path, ISSUER + line + "\n")
    assert said in told and "swordfish" not in told


@pytest.mark.parametrize("url", ["http://login.example", "https://u:p@login.example", "https://login.example?a=b", "x"])
def test_an_issuer_s_address_is_one_that_can_be_trusted(tmp_path: Path, url: str) -> None:
    assert "https is needed" in refusal(tmp_path, ISSUER.replace("https://login.example/realms/p", url))


def test_an_issuer_stands_once(tmp_path: Path) -> None:
    assert "stands twice" in refusal(tmp_path, ISSUER + ISSUER[ISSUER.index("[[issuer") :])
