"""Why a command of the operator stops. Every message says what happened, to what, and what to do.

OperatorError
├── Refused             an input or the state of the stage forbids the command
├── DeploymentFailed    AWS or CloudFormation did not do what was asked
│   └── PackagingFailed the application could not be packaged
└── StepFailed          a step of a command failed; the steps before it remain done
"""


class OperatorError(Exception):
    """A command stops. The message is for the operator."""


class Refused(OperatorError):
    """A rule forbids what was asked. The message names the file and the field, or the option."""


class DeploymentFailed(OperatorError):
    """A deployment failed. The message quotes the reason that AWS or CloudFormation gave."""


class PackagingFailed(DeploymentFailed):
    """There is no bundle."""


class StepFailed(OperatorError):
    """A step failed. The message names the step; the cause is the error that stopped it."""
