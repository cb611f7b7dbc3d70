"""The pytest plugin: options, hooks in pytest's calling order, fixtures. It computes nothing.

A test of the suite "short" (in a module of that name, or marked `suite("short")`) that asks for `require` (or `take`)
runs once for each utterance of that corpus and each seed. What the selected tests need is generated once, before the
first of them.

    options      what can be asked for
    suites       corpus files become suites: which tests judge them
    session      what a session is about: its run, its journal, its comparison
    blocks       many takes in one test, where a suite has many
    collection   from the command to the takes
    fixtures     what a test can ask for
    reporter     what came of all tests
"""

pytest_plugins = [
    "harness.plugin.options",
    "harness.plugin.suites",
    "harness.plugin.collection",
    "harness.plugin.fixtures",
]
