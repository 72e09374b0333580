"""Stand-ins for OpenAI, Replicate and Wix: one server, real HTTP, the providers' own shapes, limits and failures."""

from tests.sandbox.client import SandboxClient
from tests.sandbox.thread import Sandbox

__all__ = ["Sandbox", "SandboxClient"]
