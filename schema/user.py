"""People."""

import strawberry


@strawberry.type(
    description="A person of the host application, looked up in its MongoDB directory."
)
class User:
    id: strawberry.ID = strawberry.field(
        description="The directory's own id: the 24 hex digits of the ObjectId."
    )
    name: str
    email: str | None
    avatar_url: str | None
    is_client: bool = strawberry.field(
        description="True for a customer: sees only the channels they are in and the people in "
        "them."
    )
    is_active: bool = strawberry.field(
        description="False once the directory no longer has this person, or has them disabled."
    )
