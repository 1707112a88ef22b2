"""What can go wrong with the stack, each told in one sentence."""

from __future__ import annotations

from lake.errors import LakeError


class PortTaken(LakeError):
    """A port that the stack needs and somebody else holds."""


class StackFailed(LakeError):
    """A part of the stack that did not start, answer or stop."""


class PipelineFailed(LakeError):
    """A task of the pipeline that failed for good."""
