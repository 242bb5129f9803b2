"""The executor: graphql-core's, with plans for the parts that are plain."""

from typing import Any

from graphql import Executor, FieldNode, GraphQLOutputType, GraphQLResolveInfo, get_named_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from graphql.type import is_composite_type

from execution.plans import Fill, Within, plan
from schema.context import Context


class PlanningExecutor(Executor[Any]):
    """Fills in a value by its plan where there is one, and as graphql-core does elsewhere.

    Plans are kept with the document, in ``Context.memo``: None for a part that
    was found to have none.
    """

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """See graphql-core."""
        if result is not None and is_composite_type(get_named_type(return_type)):
            context: Context = self.context_value
            fill = self._plan(return_type, field_details_list, context)
            if fill is not None:
                try:
                    return fill(result, context)
                except Exception:  # noqa: S110
                    # Not as plain as it looked; what is wrong with it, if
                    # anything, is for graphql-core to find and to say, and where.
                    pass
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _plan(
        self, return_type: GraphQLOutputType, details: FieldDetailsList, context: Context
    ) -> Fill | None:
        # All nodes: one of a fragment's stands beside others in one place and alone in another.
        key = (id(return_type), *(id(detail.node) for detail in details))
        try:
            found: Fill | None = context.memo.plans[key]
        except KeyError:
            nodes: list[FieldNode] = [detail.node for detail in details]
            found = plan(return_type, nodes, Within(self.schema, self.fragment_definitions))
            context.memo.plans[key] = found
        return found
