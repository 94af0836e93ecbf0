"""Makes the plan of a class: once for each client, or once for all clients without codecs."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspike._wire import METADATA_OTHERS, ClassPlan, PlannedField, RecordTypes
from pyspike.codecs import Codec
from pyspike.errors import AerospikeError, InvalidArgument
from pyspike.records.classes import ClassField, ClassFields, fields_of
from pyspike.records.fields import FieldOptions
from pyspike.records.shapes import Annotations, options_of

__all__ = ["PlanMaker"]

NOTHING_SAID = FieldOptions()
MOST_WITH_ARGUMENTS = 32  # generic classes that one refers to: those of a class that nests itself have no end


class PlanMaker:
    """Makes the plans of classes.

    Args:
        codecs: those of the client.
    """

    def __init__(self, codecs: Sequence[Codec[Any]]) -> None:
        self._codecs: Mapping[type, Codec[Any]] = {each.type: each for each in codecs}

    def __call__(self, types: RecordTypes, cls: type) -> dict[type, ClassPlan]:
        """The plan of a class, and those of the classes that it refers to and that have none yet.

        Raises:
            InvalidType, InvalidArgument: one of them can't be made.
        """
        made: dict[type, ClassPlan] = {}
        with_arguments: dict[Any, ClassPlan] = {}
        inner: list[ClassPlan] = []

        def plan_of(annotation: Any) -> ClassPlan:
            origin = typing.get_origin(annotation)
            if origin is None:
                plan = made.get(annotation) or types.known_plan(annotation)
            else:
                plan = with_arguments.get(annotation)
            if plan is None:
                plan = ClassPlan(origin or annotation)
                (made if origin is None else with_arguments)[annotation] = plan
                if len(with_arguments) > MOST_WITH_ARGUMENTS:
                    raise InvalidArgument(f"{plan.name} refers to itself with ever other arguments")
                # It is not complete yet when a class refers to itself.
                self._fill(plan, types, inner_plan_of, fields_of(annotation))
            return plan

        def inner_plan_of(annotation: Any) -> ClassPlan:
            inner.append(plan_of(annotation))
            return inner[-1]

        plan_of(cls)
        for each in inner:
            _refuse_needed_metadata(each)
        return made

    def _fill(
        self,
        plan: ClassPlan,
        types: RecordTypes,
        plan_of: Callable[[Any], ClassPlan],
        found: ClassFields,
    ) -> None:
        annotations = Annotations(self._codecs, plan_of, types.anything, found.own_encoder)
        fields: list[PlannedField] = []
        bins: dict[str, str] = {}
        others: str | None = None
        for each in found.fields:
            options = options_of(each.annotation) or each.options or NOTHING_SAID
            made = _planned(plan.name, annotations, each, options)
            if not options.metadata and bins.setdefault(made.bin, each.name) != each.name:
                raise InvalidArgument(
                    f"{plan.name}.{each.name} and {bins[made.bin]} are both the bin {made.bin!r}"
                )
            if options.metadata == METADATA_OTHERS:
                if others is not None:
                    raise InvalidArgument(
                        f"{plan.name}.{each.name} and {others} are both for the bins without a field"
                    )
                others = each.name
            fields.append(made)
        plan.fill(
            fields,
            building=found.building,
            positional=sum(not each.keyword for each in found.fields),
            forbids_others=found.forbids_others,
        )


def _refuse_needed_metadata(plan: ClassPlan) -> None:
    """Refuse a class inside another that needs to be told of a record: a map is none."""
    for each in plan.fields:
        if each.metadata and each.metadata != METADATA_OTHERS and each.required and not each.shape.nullable:
            raise InvalidArgument(
                f"{plan.name}.{each.name} is told by a record, but {plan.name} is in a field of one",
                advice="a default is taken there, if it has one",
            )


def _planned(owner: str, annotations: Annotations, each: ClassField, options: FieldOptions) -> PlannedField:
    try:
        shape = annotations.shape_of(each.annotation, options)
    except AerospikeError as error:
        error.message = f"{owner}.{each.name}: {error.message}"
        error.args = (error.message,)
        raise
    return PlannedField(
        each.name,
        options.bin or each.stored or each.name,
        shape,
        parameter=each.parameter,
        required=each.required,
        default=each.default,
        factory=each.factory,
        none_comes_back=each.required or each.none_comes_back,
        metadata=options.metadata,
        set_after=each.set_after,
        spread=each.spread,
    )
