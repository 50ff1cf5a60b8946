"""Optuna's samplers by ask and tell, over our own records: nothing of it is stored.

Numbers are proposed by the position of the value among all values of their parameter, so that steps
of a range and doublings of powers are equally far; text and truth values are categories. Only
parameters that a design has are asked for. Optuna may propose what it proposed before: it is told
again what became of it, and after `MAX_REPEATS` repeats in a row a random design follows.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..space import Space
from ..space_tree import Node
from .sampler import Answer, RandomSampler

if TYPE_CHECKING:
    import optuna

MAX_REPEATS = 30
EXCESSES = "excesses"

Method = Literal["tpe", "nsga2", "random", "qmc"]


class OptunaMissingError(RuntimeError):
    """The package is not installed."""


class OptunaSampler:
    """`tpe` (multivariate), `nsga2`, `random` or `qmc` of Optuna for `num_objectives` costs.

    Raises:
        OptunaMissingError: Optuna is not installed.
    """

    def __init__(
        self, space: Space, *, num_objectives: int, method: Method = "tpe", seed: int = 0
    ) -> None:
        self._optuna = _import_optuna()
        self.space = space
        self._study = self._optuna.create_study(
            directions=["minimize"] * num_objectives, sampler=self._sampler_of(method, seed)
        )
        self._random = RandomSampler(space, seed=seed)
        self._pending: dict[int, optuna.Trial] = {}
        self._known: dict[int, Answer] = {}

    def ask(self, count: int) -> list[int]:
        """See `Sampler`."""
        found: list[int] = []
        repeats = 0
        while len(found) < count and len(self._known) + len(found) < self.space.size:
            trial = self._study.ask()
            number = self._number_of(trial)
            if number not in self._known and number not in self._pending:
                found.append(number)
                self._pending[number] = trial
                continue
            repeats += 1
            self._tell_again(trial, number)
            if repeats >= MAX_REPEATS:
                found += self._other(count - len(found), taken=found)
                break
        return found

    def tell(self, answers: Sequence[Answer]) -> None:
        """See `Sampler`."""
        for answer in answers:
            self._known[answer.index] = answer
            trial = self._pending.pop(answer.index, None)
            if trial is not None:
                self._tell(trial, answer)

    def _other(self, count: int, *, taken: Sequence[int]) -> list[int]:
        """Random designs that are new."""
        found: list[int] = []
        while len(found) < count:
            asked = self._random.ask(1)
            if not asked:
                break
            if asked[0] not in self._known and asked[0] not in taken:
                found += asked
        return found

    def _tell_again(self, trial: optuna.Trial, number: int) -> None:
        if number in self._known:
            self._tell(trial, self._known[number])
        else:  # under way
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)

    def _tell(self, trial: optuna.Trial, answer: Answer) -> None:
        if answer.costs is None:
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            return
        trial.set_user_attr(EXCESSES, list(answer.excesses))
        self._study.tell(trial, list(answer.costs))

    def _number_of(self, trial: optuna.Trial) -> int:
        states: dict[str, int] = {}
        for root in self.space.roots:
            self._suggest(trial, root, states)
        return self.space.index_of_states(states)

    def _suggest(self, trial: optuna.Trial, node: Node, states: dict[str, int]) -> None:
        """The states of a parameter that is there, and of what hangs below."""
        path, values = node.parameter.path, node.values
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            states[path] = trial.suggest_int(path, 0, len(values) - 1)
        else:
            states[path] = trial.suggest_categorical(path, list(range(len(values))))
        for child, is_there in zip(node.children, node.presence, strict=True):
            if is_there[states[path]]:
                self._suggest(trial, child, states)
            else:
                self._suggest_below_absent(trial, child, states)

    def _suggest_below_absent(
        self, trial: optuna.Trial, node: Node, states: dict[str, int]
    ) -> None:
        """An absent parameter may still have one below that asks for its `otherwise`."""
        for child, is_there in zip(node.children, node.presence, strict=True):
            if is_there[node.absent]:
                self._suggest(trial, child, states)
            else:
                self._suggest_below_absent(trial, child, states)

    def _sampler_of(self, method: Method, seed: int) -> Any:
        samplers = self._optuna.samplers
        with warnings.catch_warnings():  # multivariate and constraints are called experimental
            warnings.simplefilter("ignore")
            if method == "tpe":
                return samplers.TPESampler(
                    seed=seed, multivariate=True, group=True, constant_liar=True,
                    constraints_func=_excesses,
                )  # fmt: skip
            if method == "nsga2":
                return samplers.NSGAIISampler(seed=seed, constraints_func=_excesses)
            if method == "qmc":
                return samplers.QMCSampler(seed=seed)
            return samplers.RandomSampler(seed=seed)


def _excesses(trial: optuna.trial.FrozenTrial) -> Sequence[float]:
    excesses: list[float] = trial.user_attrs.get(EXCESSES, [])
    return excesses


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise OptunaMissingError(
            "the samplers tpe, nsga2 and qmc need Optuna: pip install 'tilewright[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
