"""What Superset must not do: let anybody in, start with a weak key, run a hostile statement."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.dashboards.hostile import HOSTILE
from tests.dashboards.superset_server import (
    SUPERSET,
    SupersetServer,
    prepare_superset,
    superset_environment,
)

OPEN_TO_ALL = {"/health", "/login/", "/static/", "/api/v1/_openapi"}
PAGES = [
    "/superset/dashboard/long-term/",
    "/superset/dashboard/live/",
    "/superset/welcome/",
    "/sqllab/",
    "/users/list/",
]
KNOWN_KEYS = [
    "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
    "\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",
    "thisISaSECRET_1234",
    "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
    "TEST_NON_DEV_SECRET",
]


@pytest.fixture(scope="module")
def admin(superset: SupersetServer) -> Iterator[httpx.Client]:
    """Return a client that the administrator logged in."""
    with superset.logged_in() as client:
        yield client


def test_whoever_is_not_logged_in_gets_nothing(superset: SupersetServer, admin: httpx.Client) -> None:
    """No list or page of the whole API answers without a login."""
    paths = admin.get("/api/v1/_openapi").json()["paths"]
    assert admin.get("/api/v1/dashboard/").json()["count"] == 2
    asked = [path for path, verbs in paths.items() if "get" in verbs and "{" not in path]
    assert len(asked) > 40
    with httpx.Client(base_url=superset.url, timeout=60) as anyone:
        answers = {path: anyone.get(path) for path in (*asked, *PAGES) if path not in OPEN_TO_ALL}
        data = anyone.post(
            "/api/v1/chart/data", json={"datasource": {"id": 1, "type": "table"}, "queries": [{}]}
        )
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code == 200} == {}
    assert data.status_code in (400, 401, 403)


def test_the_role_of_the_public_is_empty_and_viewers_have_no_sql_lab(admin: httpx.Client) -> None:
    """Public may nothing; Viewer may look."""
    roles = {role["name"]: role["id"] for role in admin.get("/api/v1/security/roles/").json()["result"]}
    allowed = {
        name: admin.get(f"/api/v1/security/roles/{roles[name]}/permissions/").json()["result"]
        for name in ("Public", "Viewer")
    }
    assert allowed["Public"] == []
    seen = {(each["permission_name"], each["view_menu_name"]) for each in allowed["Viewer"]}
    assert ("can_read", "Dashboard") in seen and ("can_read", "Chart") in seen
    assert not [each for each in seen if "SQL" in each[1] or each[0].startswith(("can_write", "can_add"))]


def test_a_viewer_sees_the_charts_and_runs_no_sql(superset: SupersetServer, admin: httpx.Client) -> None:
    """The role Viewer is enough to look at a dashboard, and for nothing else."""
    roles = {role["name"]: role["id"] for role in admin.get("/api/v1/security/roles/").json()["result"]}
    person = {"username": "viewer", "first_name": "A", "last_name": "Viewer", "email": "viewer@localhost"}
    made = admin.post(
        "/api/v1/security/users/",
        json={**person, "active": True, "password": superset.password, "roles": [roles["Viewer"]]},
    )
    assert made.status_code == 201, made.text
    with superset.logged_in("viewer", superset.password) as viewer:
        charts = viewer.get("/api/v1/dashboard/long-term/charts").json()["result"]
        (profit,) = [chart for chart in charts if chart["slice_name"] == "Profit"]
        number, kind = profit["form_data"]["datasource"].split("__")
        query = {"metrics": [profit["form_data"]["metric"]], "row_limit": 1}
        data = {"datasource": {"id": int(number), "type": kind}, "queries": [query]}
        answer = viewer.post("/api/v1/chart/data", json=data)
        assert answer.status_code == 200 and len(answer.json()["result"][0]["data"]) == 1
        assert (
            viewer.post("/api/v1/sqllab/execute/", json={"database_id": 1, "sql": "SELECT 1"}).status_code
            == 403
        )
        assert viewer.delete("/api/v1/dashboard/1").status_code in (403, 404)
        assert viewer.get("/api/v1/security/users/").status_code == 403


@pytest.mark.parametrize("key", KNOWN_KEYS)
def test_a_login_forged_with_a_published_key_is_refused(superset: SupersetServer, key: str) -> None:
    """A cookie signed with a key that stands in manuals is no login."""
    signer = URLSafeTimedSerializer(
        key,
        salt="cookie-session",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )
    cookies = {"session": str(signer.dumps({"_user_id": "1", "user_id": 1, "_fresh": True}))}
    answer = httpx.get(f"{superset.url}/api/v1/me/", cookies=cookies)
    assert answer.status_code == 401


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_sql_lab_refuses_hostile_statements(admin: httpx.Client, name: str, tmp_path: Path) -> None:
    """Not even the administrator writes, reads files or attaches through Superset."""
    answer = run_sql(admin, HOSTILE[name].format(folder=tmp_path))
    assert answer.status_code >= 400 and ("errors" in answer.json() or "message" in answer.json())
    assert list(tmp_path.iterdir()) == []


def test_sql_lab_answers_questions(admin: httpx.Client) -> None:
    """The same connection answers what it may."""
    answer = run_sql(admin, "SELECT count(*) AS sessions FROM live_now")
    assert answer.status_code == 200 and answer.json()["data"] == [{"sessions": 1}]


def run_sql(admin: httpx.Client, sql: str) -> httpx.Response:
    """Run a statement as SQL Lab does."""
    database = admin.get("/api/v1/database/").json()["result"][0]["id"]
    request: dict[str, Any] = {"database_id": database, "sql": sql, "runAsync": False, "expand_data": True}
    return admin.post("/api/v1/sqllab/execute/", json=request)


@pytest.mark.parametrize("key", ["", "short", "a" * 60, *KNOWN_KEYS])
def test_it_does_not_start_with_a_weak_key(superset: SupersetServer, key: str, tmp_path: Path) -> None:
    """One sentence says what is wrong and how to get a good key."""
    environment = {**superset_environment(tmp_path, tmp_path), "SUPERSET_SECRET_KEY": key}
    done = prepare_superset(environment, tmp_path)
    assert done.returncode != 0 and done.stderr.startswith("superset: expected SUPERSET_SECRET_KEY")
    assert len(done.stderr.splitlines()) == 1


def test_it_is_not_prepared_without_a_password(superset: SupersetServer, tmp_path: Path) -> None:
    """A missing password is one sentence."""
    environment = {**superset_environment(tmp_path, tmp_path), "SUPERSET_ADMIN_PASSWORD": ""}
    done = prepare_superset(environment, tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("superset: expected SUPERSET_ADMIN_PASSWORD")


def test_preparing_again_changes_nothing(
    superset: SupersetServer, admin: httpx.Client, tmp_path: Path
) -> None:
    """A second time is nearly free, and a full repeat leaves one of everything."""
    home = Path(superset.environment["SUPERSET_HOME"])
    before, old = (home / "prepared").stat(), inventory(admin)
    quick = prepare_superset(superset.environment, tmp_path)
    assert (quick.returncode, quick.stdout, quick.stderr) == (0, "", "")
    assert (home / "prepared").stat().st_mtime_ns == before.st_mtime_ns
    (home / "prepared").unlink()
    done = prepare_superset(superset.environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert inventory(admin) == old
    assert home.stat().st_mode & 0o077 == 0


def inventory(admin: httpx.Client) -> dict[str, list[str]]:
    """Return the UUIDs of everything that was imported."""
    query = "?q=(page_size:100)"
    return {
        kind: sorted(each["uuid"] for each in admin.get(f"/api/v1/{kind}/{query}").json()["result"])
        for kind in ("database", "dataset", "chart", "dashboard")
    }


def test_guessing_passwords_is_slowed_down(superset: SupersetServer) -> None:
    """After a few wrong passwords the next tries are refused unread."""
    found = [superset.log_in("wrong").status_code for _ in range(20)]
    assert 401 in found and 429 in found and set(found) <= {401, 429}
    with superset.logged_in() as admin:  # the right one is heard again a few seconds later
        assert admin.get("/api/v1/me/").status_code == 200


def test_the_configuration_does_not_hide_the_package(superset: SupersetServer) -> None:
    """With the checkout on the path, `import superset` is still Superset."""
    code = "import superset, json; print(json.dumps(superset.__file__))"
    done = subprocess.run(
        [str(SUPERSET / "python"), "-c", code],
        env=superset.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages" in json.loads(done.stdout)
