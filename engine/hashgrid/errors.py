"""What a hash encoding refuses."""


class InvalidGrid(ValueError):
    """A grid, table or input that cannot be: the message names the parameter, its value and what is allowed."""


class TableTooLarge(InvalidGrid):
    """Tables beyond the budget, refused before any allocation; `needed` and `allowed` are bytes."""

    def __init__(self, needed: int, allowed: int) -> None:
        self.needed = needed
        self.allowed = allowed
        super().__init__(
            f"the tables would take {needed} bytes: at most {allowed} are allowed; "
            "lower log2_table_size, levels or features, or raise max_bytes"
        )


class MissingConfiguration(InvalidGrid):
    """A table file that does not tell all of its grid: the configuration has to be given."""
