"""Files of conf/ as validated values."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lake.errors import BadConfiguration

Model = TypeVar("Model", bound=BaseModel)


def read_conf(model: type[Model], path: Path) -> Model:
    """Return a YAML file as a validated value.

    Raises:
        BadConfiguration: it is missing, not YAML, or has a value that cannot be used.
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path}: expected readable YAML, found: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{path}: {where}: {first['msg']}; found {first['input']!r}") from error
