"""`python -m digitprep` is `digitprep`."""

from digitprep.cli import main

if __name__ == "__main__":
    main()
