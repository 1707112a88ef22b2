"""When Airflow tries a task again, and when it does not."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pytest

from lake.errors import BadAnswer, BadConfiguration, SourceBusy, SourceUnavailable, UnknownSymbol
from tests.stacks import CHECKOUT


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Airflow's own imports warn of is not ours
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.syspath_prepend(str(CHECKOUT / "plugins"))
        yield importlib.import_module("lake_tasks")
        sys.modules.pop("lake_tasks")


def test_a_host_is_asked_again_a_second_after_it_said_however_often(module: ModuleType) -> None:
    policy = module.LakeRetryPolicy()
    for try_number in (1, 4, 19):
        decision = policy.evaluate(SourceBusy("found 429", 77.0), try_number, module.PATIENT_RETRIES)
        assert decision.action.value == "retry"
        assert decision.retry_delay == timedelta(seconds=78)
        assert decision.reason == "found 429"


@pytest.mark.parametrize("wrong", [UnknownSymbol("X"), BadConfiguration("X"), BadAnswer("X")])
def test_what_is_wrong_in_itself_is_not_tried_again(module: ModuleType, wrong: Exception) -> None:
    assert module.LakeRetryPolicy().evaluate(wrong, 1, 3).action.value == "fail"


def test_anything_else_is_tried_three_times_more_even_where_a_host_would_get_twenty(
    module: ModuleType,
) -> None:
    policy = module.LakeRetryPolicy()
    failure = SourceUnavailable("no connection")
    said = [policy.evaluate(failure, number, module.PATIENT_RETRIES).action.value for number in (1, 2, 3, 4)]
    assert said == ["default", "default", "default", "fail"]
