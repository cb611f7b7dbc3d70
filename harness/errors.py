"""What can go wrong, as a tree.

HarnessError                 anything this package raises on purpose
├── UsageError               the user can mend it: an option, a corpus row, a voice, a gate (pytest exit 4)
│   ├── CorpusError          a row of suites/corpus/*.toml
│   ├── VoicesError          a file of a voices folder; one line for each bad file
│   ├── GateError            a row of suites/gates.toml
│   ├── RecordError          a record that is damaged, was changed, or has another schema
│   └── GoldenError          a baseline that cannot be used, or a run that cannot become one
├── RulerError               the harness itself cannot measure: no verdict on any take (exit 3)
├── AudioError               a sound file that cannot be read, or holds no sound
└── BackendError             the system under test failed; becomes a Take with an error, never a missing one

Every message says what is wrong with its value and unit, what would be right, and what to do.
"""


class HarnessError(Exception):
    """Root of the tree."""


class UsageError(HarnessError):
    """The command, or a file that the user wrote, cannot be used as it is."""


class CorpusError(UsageError):
    """A corpus file or one of its rows is malformed."""


class VoicesError(UsageError):
    """A voices folder holds files that cannot serve as references."""


class GateError(UsageError):
    """A gate is malformed, or was asked to judge a measurement it is not for."""


class RecordError(UsageError):
    """A record of an earlier run or release is damaged, was changed, or has another schema."""


class GoldenError(UsageError):
    """A baseline is missing, damaged or not comparable, or a run may not become one."""


class RulerError(HarnessError):
    """The instruments fail on sounds whose answer is known; nothing that they say of a take counts."""


class AudioError(HarnessError):
    """A sound file cannot be read, or holds no sound."""


class BackendError(HarnessError):
    """The system under test could not give a take."""
