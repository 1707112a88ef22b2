"""Superset's configuration: one machine, no Redis, nothing that a dashboard may change or read but its data.

Superset loads it by SUPERSET_CONFIG_PATH; every place and secret comes from the environment.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from lake.serve.folder import newest, served_folder

SHORTEST_SECRET = 42

PUBLISHED_SECRETS = ("CHANGE_ME", "thisISaSECRET", "YOUR_OWN_RANDOM", "TEST_NON_DEV", "supersetsecret")
"""Beginnings of keys that stand in manuals and images, which anybody can forge a login with."""


def _secret() -> str:
    """Return the key that signs logins; a weak one would let anybody in."""
    found = os.environ.get("SUPERSET_SECRET_KEY", "")
    if len(found) < SHORTEST_SECRET or len(set(found)) < 16 or found.startswith(PUBLISHED_SECRETS):
        sys.exit(
            f"superset: expected SUPERSET_SECRET_KEY of at least {SHORTEST_SECRET} random characters, found "
            f"{f'a weak one of {len(found)}' if found else 'none'}; "
            "set it to what `openssl rand -base64 42` prints"
        )
    return found


HOME = Path(os.environ.get("SUPERSET_HOME") or Path(__file__).resolve().parent.parent / "var" / "superset")
HOME.mkdir(parents=True, exist_ok=True, mode=0o700)

SECRET_KEY = _secret()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}?check_same_thread=false"
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}
DATA_DIR = str(HOME)
PREVENT_UNSAFE_DB_CONNECTIONS = True

# -- what people see ---------------------------------------------------------------------------------------

APP_NAME = "Stock Alert Lakehouse"
DASHBOARD_AUTO_REFRESH_MODE = "force"
DASHBOARD_AUTO_REFRESH_INTERVALS = [
    [0, "Don't refresh"],
    [10, "10 seconds"],
    [30, "30 seconds"],
    [60, "1 minute"],
]
THEME_DARK = None  # the candle charts are drawn for a light page
ENABLE_UI_THEME_ADMINISTRATION = False
FEATURE_FLAGS = {
    "ENABLE_TEMPLATE_PROCESSING": False,  # Jinja in queries would run code of whoever writes them
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,
    "EMBEDDED_SUPERSET": False,
}

# -- caches: files of this machine; data is asked for anew, a served file answers in milliseconds -----------


def _cache(name: str, lifetime: timedelta) -> dict[str, Any]:
    return {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": str(HOME / "cache" / name),
        "CACHE_THRESHOLD": 2000,
        "CACHE_DEFAULT_TIMEOUT": int(lifetime.total_seconds()),
    }


CACHE_CONFIG = _cache("metadata", timedelta(hours=1))
DATA_CACHE_CONFIG = _cache("data", timedelta(seconds=10))
FILTER_STATE_CACHE_CONFIG = _cache("filters", timedelta(days=90))
EXPLORE_FORM_DATA_CACHE_CONFIG = _cache("explore", timedelta(days=7))
RESULTS_BACKEND = None

# -- who may come in ---------------------------------------------------------------------------------------

# No AUTH_ROLE_PUBLIC: whoever is not logged in has no role at all, and the role Public stays empty.
AUTH_USER_REGISTRATION = False
RATELIMIT_ENABLED = True
RATELIMIT_STORAGE_URI = "memory://"
RATELIMIT_APPLICATION = "300 per second"  # a dashboard asks for some hundred files when it is first opened
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "5 per 10 second"


def FLASK_APP_MUTATOR(app: Any) -> None:
    """Limit the login of scripts as that of people is limited."""
    login = "SecurityApi.login"
    limiter = app.extensions["appbuilder"].sm.limiter
    app.view_functions[login] = limiter.limit(AUTH_RATE_LIMIT)(app.view_functions[login])


WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = os.environ.get("SUPERSET_HTTPS", "") == "1"
PERMANENT_SESSION_LIFETIME = timedelta(days=7)

# -- what a page may do ------------------------------------------------------------------------------------

_DRAWN = ["className", "fill", "stroke", "strokeWidth", "strokeDashArray", "opacity"]

HTML_SANITIZATION = True
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {
    # The candle charts are drawn from these alone: no links, no foreign objects, no style, no script.
    "tagNames": ["svg", "g", "line", "rect", "polyline", "polygon", "circle", "text", "title"],
    "attributes": {
        "svg": ["viewBox", "className", "role", "ariaLabel", "fontFamily", "fontSize"],
        "g": [*_DRAWN, "fontSize", "textAnchor", "fontWeight"],
        "line": [*_DRAWN, "x1", "y1", "x2", "y2"],
        "rect": [*_DRAWN, "x", "y", "width", "height", "rx", "transform"],
        "polyline": [*_DRAWN, "points"],
        "polygon": [*_DRAWN, "points", "transform"],
        "circle": [*_DRAWN, "cx", "cy", "r"],
        "text": [*_DRAWN, "x", "y", "dy", "textAnchor", "fontSize", "fontWeight", "paintOrder"],
        "div": ["className"],
        "span": ["className"],
    },
}

TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": ["'self'"],
        "form-action": ["'self'"],
        "font-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],  # Superset's own components set styles
        # 'unsafe-eval': Handlebars turns a chart's template into a function.
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": SESSION_COOKIE_SECURE,
}

# -- what a query may do -----------------------------------------------------------------------------------

CATALOG = "duckdb:///served"
"""The address of the one database; the file behind it is chosen for each connection."""

LIMITS = {
    "threads": 2,
    "memory_limit": "512MB",
    "max_temp_directory_size": "0B",
    "enable_external_access": False,  # no files, no network, no extensions, no ATTACH
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}

SQLLAB_TIMEOUT = 20
SUPERSET_WEBSERVER_TIMEOUT = 60
SQLLAB_CTAS_NO_LIMIT = False
ROW_LIMIT = 10_000
SQL_MAX_ROW = 20_000


def DB_CONNECTION_MUTATOR(uri: Any, params: dict[str, Any], *_: Any) -> tuple[Any, dict[str, Any]]:
    """Open the newest served file, to be read and no more."""
    if uri.get_backend_name() != "duckdb":
        return uri, params
    folder = served_folder(os.environ)
    path = newest(folder)
    if path is None:
        raise FileNotFoundError(
            f"expected a served catalog in {folder}, found none yet; "
            "stack.serve makes it seconds after its start"
        )
    params["connect_args"] = {"read_only": True, "config": dict(LIMITS)}
    return uri.set(database=str(path), query={}), params
