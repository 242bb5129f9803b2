"""Limits: how much a request may ask for.

They are far above what any client of ours sends and below what would cost us
more than 50 ms of work. What is over one is QUERY_TOO_COMPLEX, and the message says
which and how much it is.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    ValidationContext,
)
from graphql.validation.validate import ValidationAbortedError

from resolvers.inputs import MAX_IDS
from schema.blame import used_for
from storage.errors import ErrorCode, Refusal, bad_input

MAX_CHARACTERS = 20_000
MAX_STRANGERS_CHARACTERS = 5_000
"""Of those who have not signed in, who get nothing for it but the schema: introspection has
1,700. Reading a long document takes a hundred times as long as sending it."""
MAX_TOKENS = 1_000
"""Five times GraphiQL's introspection query; thirty components with fragments of their own
have 700. Parsed in 6 ms and validated in 12."""
MAX_DEPTH = 30
"""Fields and fragments inside each other. Introspection has 15; a reaction's people below a
reply below a message below the sidebar's channels are 16."""
MAX_ALIASES = 100
MAX_DIRECTIVES = 100
MAX_SPREADS = 200
"""As written. Two of validation's rules go through all uses for each fragment."""
MAX_FIELDS = 2_000
"""In one operation, each fragment written out wherever it is used: twenty fragments that each
use the next one twice ask for a million fields in a thousand characters."""
MAX_COMPARISONS = 6_500
"""What validation may spend on comparing fields of the same name, in graphql-core's units:
about 15 ms. Twenty components that each ask for the same eight fields of a message need 6,000."""
MAX_COST = 200_000
"""Fields in the largest answer: 50 messages and 50 replies to each, with the sender, mentions,
reactions and attachments of every one. That many are seconds of work, but only for those
who have written that many."""
MAX_VALUES = 2_000
"""In a request's variables, those inside lists and objects included. graphql-core takes
seconds for some ten thousand wrong ones."""

TOO_DEEP = f"A document is at most {MAX_DEPTH} levels deep, fragments included."


def too_complex(message: str) -> Refusal:
    """The request asks for too much; the message says which limit it is."""
    return Refusal(ErrorCode.QUERY_TOO_COMPLEX, message)


def check_variables(variables: Mapping[str, Any], ast: DocumentNode) -> None:
    """Raises QUERY_TOO_COMPLEX for too many values, and BAD_USER_INPUT for too many in a list,
    naming the argument or input field: none of ours takes as many.
    """
    count = 0
    for variable, given in variables.items():
        waiting: list[tuple[str | None, Any]] = [(None, given)]
        while waiting:
            field, value = waiting.pop()
            count += 1
            if isinstance(value, list):
                if len(value) > MAX_IDS:
                    raise bad_input(
                        field or used_for(variable, ast) or "variables",
                        f"This must not have more than {MAX_IDS:,} entries.",
                    )
                waiting += ((field, item) for item in value)
            elif isinstance(value, Mapping):
                waiting += value.items()
            if count + len(waiting) > MAX_VALUES:
                raise too_complex(f"The variables of a request have at most {MAX_VALUES:,} values.")


class BoundedOverlaps(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule, which compares every two fields of the same name, with a budget of ours.

    Raises QUERY_TOO_COMPLEX out of the validation when it is spent.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS

    def enter_selection_set(
        self, selection_set: SelectionSetNode, _key: Any, parent: Any, *_args: Any
    ) -> None:
        """Called by graphql-core for each selection set."""
        try:
            super().enter_selection_set(selection_set, _key, parent, *_args)
        except ValidationAbortedError:
            # It also ends like this after enough errors.
            if self.rule_context.remaining_complexity_budget >= 0:
                raise
            raise too_complex(
                "A document asks for the same fields in the same place too often: validating it"
                f" may take {MAX_COMPARISONS:,} comparisons."
            ) from None
