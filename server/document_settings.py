"""What an operator decides about documents that clients name instead of sending them."""

from pathlib import Path

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from server.manifests import read_manifest


class DocumentSettings(BaseModel):
    """Which documents are known by a name, and whether others are run."""

    persisted_queries: int = Field(
        5000,
        ge=0,
        le=1_000_000,
        description="Automatic persisted queries: documents kept in PostgreSQL for clients that "
        "send their hashes, at most; 0 keeps none.",
    )
    trusted_documents: Path | None = Field(
        None,
        description="A JSON file of documents by their ids, as the tools of frontends write it; "
        "clients may send the ids.",
    )
    trusted_documents_only: bool = Field(
        False, description="Run no other documents than the trusted ones."
    )

    @field_validator("trusted_documents")
    @classmethod
    def _can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_manifest(path)
        return path

    @field_validator("trusted_documents_only")
    @classmethod
    def _has_some(cls, only: bool, info: ValidationInfo) -> bool:
        if only and "trusted_documents" in info.data and info.data["trusted_documents"] is None:
            raise ValueError("needs a file of them")
        return only
