"""Prepare Superset in one process: its own database, roles, the administrator, the dashboards.

    SUPERSET_CONFIG_PATH=superset/superset_config.py .venv-superset/bin/python superset/prepare.py

It may be repeated at any time. Where nothing changed since the last time it ends before Superset,
which takes seconds to load, is even imported.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).resolve().parent
ASSETS = FOLDER / "assets"
ADMIN = "admin"
VIEWER_ROLE = "Viewer"
"""May look at every dashboard and change nothing; has no SQL Lab."""

LOOKING = ("can_read", "can_dashboard", "can_time_range", "can_query", "can_explore_json", "can_samples")
MENU = ("Home", "Dashboards")
"""What of Gamma's permissions the role keeps."""

SHORTEST_PASSWORD = 8


def main() -> int:
    """Bring Superset's own database to what this checkout says and return the exit code."""
    configuration = _configuration()
    password = os.environ.get("SUPERSET_ADMIN_PASSWORD", "")
    if len(password) < SHORTEST_PASSWORD:
        print(
            f"superset: expected SUPERSET_ADMIN_PASSWORD of at least {SHORTEST_PASSWORD} characters, found "
            f"{len(password)}; set it in the environment",
            file=sys.stderr,
        )
        return 1
    stamp = Path(configuration.HOME) / "prepared"
    wanted = _fingerprint(configuration.SECRET_KEY, password)
    if stamp.exists() and stamp.read_text() == wanted and (Path(configuration.HOME) / "superset.db").exists():
        return 0
    stamp.unlink(missing_ok=True)
    _prepare(password)
    stamp.write_text(wanted)
    return 0


def _configuration() -> ModuleType:
    """Return the configuration, which refuses a weak secret, without importing Superset."""
    spec = importlib.util.spec_from_file_location("superset_config", FOLDER / "superset_config.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fingerprint(secret: str, password: str) -> str:
    """Return what the result rests on: the version, this file, the assets, the password (as a keyed hash)."""
    content = hashlib.sha256(version("apache-superset").encode())
    for path in (Path(__file__), *sorted(ASSETS.rglob("*.yaml"))):
        content.update(path.name.encode() + b"\0" + path.read_bytes())
    content.update(hmac.digest(secret.encode(), password.encode(), "sha256"))
    return content.hexdigest()


def _prepare(password: str) -> None:
    os.environ.setdefault("SUPERSET_CONFIG_PATH", str(FOLDER / "superset_config.py"))
    logging.disable(logging.WARNING)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        _upgrade()
        _set_roles()
        _set_administrator(password)
        _import_assets()
        _let_viewers_see()


def _upgrade() -> None:
    from flask_migrate import upgrade

    upgrade()
    logging.disable(logging.WARNING)  # the migrations switch logging on


def _set_roles() -> None:
    from superset import appbuilder, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def _set_administrator(password: str) -> None:
    from superset import security_manager

    user = security_manager.find_user(username=ADMIN)
    if user is None:
        role = security_manager.find_role("Admin")
        security_manager.add_user(ADMIN, "Lake", "Administrator", "admin@localhost", role, password=password)
    else:
        security_manager.reset_password(user.id, password)


def _import_assets() -> None:
    from flask import g
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    contents = {str(path.relative_to(ASSETS)): path.read_text() for path in sorted(ASSETS.rglob("*.yaml"))}
    administrator = security_manager.find_user(username=ADMIN)
    with override_user(administrator):
        g.user = administrator
        ImportAssetsCommand(contents).run()


def _let_viewers_see() -> None:
    """Give the role Viewer what it takes to look at the dashboards of the one database."""
    from superset import db, security_manager
    from superset.models.core import Database

    role = security_manager.add_role(VIEWER_ROLE)
    gamma = security_manager.find_role("Gamma").permissions
    databases = [
        security_manager.add_permission_view_menu("database_access", database.perm)
        for database in db.session.query(Database)
    ]
    role.permissions = [each for each in gamma if _only_looks(each)] + databases
    db.session.commit()


def _only_looks(permission: Any) -> bool:
    action, what = permission.permission.name, permission.view_menu.name
    return (action in LOOKING and "SQL" not in what) or (action == "menu_access" and what in MENU)


if __name__ == "__main__":
    sys.exit(main())
