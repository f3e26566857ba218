"""The path converter of ids: 1 to 18 ASCII digits, so that no number overflows what is behind it.
Registered as "id" by the url modules."""


class IdConverter:
    """`<id:account_id>`."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """The id."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Its digits."""
        return str(value)
