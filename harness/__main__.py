"""`python -m harness COMMAND`."""

from harness.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
