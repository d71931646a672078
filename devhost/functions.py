"""The functions of an app: found by their decorators, and called as the worker does."""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from devhost.retry import read_retry
from devhost.settings import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devhost.retry import RetryPolicy

SERVED_TRIGGERS = frozenset(
    {"eventHubTrigger", "queueTrigger", "timerTrigger", "httpTrigger"}
)


class AppImportError(Exception):
    """`function_app.py` raised while it was imported; on Azure nothing would run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """
    One function of the app and what its decorators say.

    `trigger` is the trigger's entry of function.json, with its keys in camel case;
    `parameter` is the argument it binds.
    """

    name: str
    call: Callable[..., Any]
    trigger: Mapping[str, Any]
    retry: RetryPolicy | None = None
    wants_context: bool = False

    @property
    def kind(self) -> str:
        """The trigger's type, as function.json writes it."""
        return str(self.trigger["type"])

    @property
    def parameter(self) -> str:
        """The name of the argument that the trigger fills."""
        return str(self.trigger["name"])

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop rather than in a thread."""
        return inspect.iscoroutinefunction(self.call)

    def text(self, key: str) -> str:
        """A binding value as text; empty when the decorator does not give it."""
        value = self.trigger.get(key)
        return "" if value is None else str(value)


def load_app(folder: Path) -> tuple[Function, ...]:
    """
    Import `function_app.py` of a folder and describe its functions.

    Raises AppImportError when the import fails and SetupError when the app breaks a
    rule of indexing; in both cases Azure would show an app without functions.
    """
    module = _import(folder.resolve())
    apps = [v for v in vars(module).values() if isinstance(v, func.FunctionRegister)]
    if len(apps) != 1:
        raise SetupError(
            f"function_app.py must hold one FunctionApp at its top level, "
            f"not {len(apps)}: the worker indexes no function otherwise"
        )
    try:
        found = apps[0].get_functions()
    except ValueError as error:  # two of one name, or a function without a trigger
        raise SetupError(f"the app cannot be indexed: {error}") from error
    return tuple(describe(function) for function in found)


def describe(function: func.Function) -> Function:
    """
    Describe one function of an app.

    Raises SetupError, naming function and trigger, for what the worker would refuse
    and for what devhost does not serve.
    """
    name = str(function.get_function_name())
    # The real host gets the bindings as this very JSON.
    bindings = json.loads(function.get_function_json())["bindings"]
    trigger = next(b for b in bindings if b["type"] == str(_trigger_type(function)))
    if trigger["type"] not in SERVED_TRIGGERS:
        raise SetupError(f"function {name}: devhost has no {trigger['type']}")
    for other in bindings:
        if other is not trigger and other["type"] != "http":
            raise SetupError(f"function {name}: devhost has no {other['type']} binding")
    call = function.get_user_function()
    names = _parameters(name, call, bound=trigger["name"])
    setting = function.get_settings_dict("retry_policy")
    return Function(
        name=name,
        call=call,
        trigger=trigger,
        retry=read_retry(setting, function=name) if setting else None,
        wants_context="context" in names,
    )


def _import(folder: Path) -> types.ModuleType:
    path = folder / "function_app.py"
    if not path.is_file():
        raise SetupError(f"{path} is missing: this is no function app")
    # The worker puts the app's folder last, so that an installed package of the same
    # name wins (azure-functions-python-worker utils/dependency.py).
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    # By its path, not by its name: another function_app may stand first on sys.path.
    spec = importlib.util.spec_from_file_location("function_app", path)
    if spec is None or spec.loader is None:
        raise SetupError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise AppImportError(f"{path} cannot be imported: {error!r}") from error
    return module


def _trigger_type(function: func.Function) -> str:
    trigger = function.get_trigger()
    return str(trigger.type) if trigger else ""


def _parameters(name: str, call: Callable[..., Any], *, bound: str) -> set[str]:
    names = set(inspect.signature(call).parameters)
    if bound not in names:
        raise SetupError(f"function {name}: its trigger binds {bound}, no parameter")
    if extra := names - {bound, "context"}:
        raise SetupError(
            f"function {name}: nothing binds {', '.join(sorted(extra))}; the worker "
            "only fills bindings and one parameter named context"
        )
    try:
        annotation = typing.get_type_hints(call).get(bound)
    except (AttributeError, NameError) as error:
        raise SetupError(f"function {name}: {error} in an annotation") from error
    # azure-functions-python-worker#1034: it loses every function of the app.
    if isinstance(annotation, types.GenericAlias) or annotation is list:
        raise SetupError(
            f"function {name}: annotate {bound} as typing.List[...], not {annotation}: "
            "on Azure every function of the app would vanish"
        )
    return names
