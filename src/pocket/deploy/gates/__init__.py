"""What must hold of a release before traffic reaches it, one module a gate, in the order in which they run."""

from pocket.deploy.gates.gate import NAMES, Candidate, named

__all__ = ["NAMES", "Candidate", "named"]
