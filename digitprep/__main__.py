"""`python -m digitprep` is `digitprep`."""


def main() -> None:
    """Run the command line.

    It is imported here and not above, since each process that works on photos imports this module anew.
    """
    from digitprep.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
