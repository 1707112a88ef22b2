"""Every method by name: the built-in ones first, then modules that users added."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module

import lake.levels.methods as package
from lake.errors import BadConfiguration
from lake.levels.method import Method

BUILT_IN = ("fractal", "pivot", "cluster", "volume_profile", "fibonacci")
"""Methods in the order in which their levels of one bar are numbered; others follow by name."""


@lru_cache(maxsize=1)
def methods() -> Mapping[str, type[Method]]:
    """Return the method of every module in lake/levels/methods.

    Raises:
        BadConfiguration: a module has not exactly one method, or not one of its own name.
    """
    found = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return {name: _method_of(name) for name in (*BUILT_IN, *sorted(set(found) - set(BUILT_IN)))}


def _method_of(name: str) -> type[Method]:
    module = import_module(f"{package.__name__}.{name}")
    own = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Method) and each.__module__ == module.__name__
    ]
    if len(own) != 1 or own[0].method != name:
        raise BadConfiguration(
            f"lake/levels/methods/{name}.py: expected one Method with method = {name!r}, found "
            f"{', '.join(f'{each.__name__} ({each.method!r})' for each in own) or 'none'}"
        )
    return own[0]
