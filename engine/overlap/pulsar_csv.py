"""Tables of pulsars as text: read leniently in form and strictly in content, written plainly."""

import csv
import io
import re

from .pulsar_array import PulsarArray, PulsarFileError, PulsarRow, assemble
from .sexagesimal import ASCII, declination_degrees, plain_number, right_ascension_degrees

# Spellings by preference, in lower case without signs: "RA (deg)", "ra_deg" and "RAdeg" are one.
SPELLINGS = {
    "name": ("name", "psr", "pulsar", "psrname", "jname", "psrj", "bname", "psrb"),
    "right ascension": (
        "radeg",
        "rajd",
        "radegrees",
        "rightascensiondegrees",
        "ra",
        "raicrs",
        "rightascension",
        "raj",
    ),
    "declination": (
        "decdeg",
        "decjd",
        "decdegrees",
        "declinationdegrees",
        "dec",
        "decicrs",
        "declination",
        "decj",
    ),
    "weight": ("weight", "weights"),
    "use": ("use",),
}
COLUMNS = "name, psr or jname; ra_deg, ra or raj; dec_deg, dec or decj; and, if wanted, weight and use"
YES, NO = ("yes", "true", "1"), ("no", "false", "0")


def read_csv(text: str | bytes, filename: str = "pulsars.csv") -> PulsarArray:
    """Pulsars of a table with a header, separated by commas, semicolons, tabs or spaces; # begins a comment.

    Columns, in any order and case: a name; right ascension and declination, ICRS (J2000), decimal degrees or
    hours and degrees in parts (19:09:47.4, -37:44:14); optional weight, positive, the inverse variance of the
    pulsar's noise up to a common factor; optional use, yes or no. Columns of other names and rows with use = no
    are left out; that and how weights are read is told in `notes`.

    Args:
        text: the file's content, bytes as UTF-8; filename: for messages.

    Returns:
        The pulsars, in the file's order. Two at one position are kept and told in `notes`.

    Raises:
        PulsarFileError: missing columns (the unknown ones are listed), missing or surplus cells, angles out of
            range, bad weights, names that repeat, fewer than two pulsars.

    >>> table = read_csv("psr,RAJ,DECJ\\nJ1909-3744,19:09:47.4,-37:44:14\\nJ1713+0747,17:13:49.5,+07:47:37\\n")
    >>> [round(angle, 3) for angle in table.right_ascension_degrees.tolist()]
    [287.447, 258.456]
    """
    lines = _lines(text, filename)
    if not lines:
        raise PulsarFileError(filename, None, None, "no line with content", f"a header: {COLUMNS}")
    cells = _cells(lines, filename)
    header = [cell.strip() for cell in cells[0]]
    wanted, unused = _columns(header, filename, lines[0][0])
    rows: list[PulsarRow] = []
    notes = [f"columns not used: {', '.join(unused)}"] if unused else []
    if "weight" in wanted:
        notes.append(f"{header[wanted['weight']]} is read as inverse variance: σ of a pair ∝ 1/√(w_a w_b)")
    for (number, _), row in zip(lines[1:], cells[1:], strict=True):
        if len(row) != len(header):
            raise PulsarFileError(
                filename, number, None, f"{len(row)} cells", f"{len(header)}, as in the header"
            )
        reader = _Row(filename, number, header, row, wanted)
        if reader.is_used():
            rows.append(reader.pulsar())
        else:
            notes.append(f"{reader.text('name')}: left out, column {header[wanted['use']]} says no")
    return assemble(rows, filename, notes)


def to_csv(array: PulsarArray) -> str:
    """The array as a table that `read_csv` reads back to rounding: name, ra_deg, dec_deg, weight."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "ra_deg", "dec_deg", "weight"])
    columns = (array.right_ascension_degrees, array.declination_degrees, array.weights)
    for name, *numbers in zip(array.names, *(column.tolist() for column in columns), strict=True):
        writer.writerow([name, *(repr(number) for number in numbers)])
    return out.getvalue()


class _Row:
    """The cells of one row under the names they are wanted by."""

    def __init__(
        self, file: str, number: int, header: list[str], cells: list[str], wanted: dict[str, int]
    ) -> None:
        self.file, self.number, self.header, self.cells, self.wanted = file, number, header, cells, wanted

    def text(self, what: str) -> str:
        return self.cells[self.wanted[what]].strip()

    def error(self, what: str, allowed: str) -> PulsarFileError:
        return PulsarFileError(
            self.file, self.number, self.header[self.wanted[what]], self.text(what), allowed
        )

    def is_used(self) -> bool:
        if "use" not in self.wanted:
            return True
        if self.text("use").lower() not in (*YES, *NO):
            raise self.error("use", ", ".join((*YES, *NO)))
        return self.text("use").lower() in YES

    def pulsar(self) -> PulsarRow:
        name = self.text("name").translate(ASCII)
        if not name:
            raise self.error("name", "a name")
        right_ascension = right_ascension_degrees(self.text("right ascension"))
        if right_ascension is None:
            raise self.error("right ascension", "0 … 360 degrees, or hours in parts such as 19:09:47.4")
        declination = declination_degrees(self.text("declination"))
        if declination is None:
            raise self.error("declination", "-90 … 90 degrees, decimal or in parts such as -37:44:14")
        weight = plain_number(self.text("weight")) if "weight" in self.wanted else 1.0
        if weight is None or not 0 < weight < float("inf"):
            raise self.error("weight", "a positive number")
        column = self.header[self.wanted["name"]]
        return PulsarRow(name, right_ascension, declination, weight, self.file, self.number, column)


def _lines(text: str | bytes, filename: str) -> list[tuple[int, str]]:
    """Numbered lines that are neither blank nor comments."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = text[: error.start].count(b"\n") + 1
            raise PulsarFileError(
                filename, row, None, text[error.start : error.end], "text in UTF-8"
            ) from error
    numbered = enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _cells(lines: list[tuple[int, str]], filename: str) -> list[list[str]]:
    header = lines[0][1]
    separator = max(",;\t|", key=header.count)
    if separator not in header:
        return [line.split() for _, line in lines]
    cells: list[list[str]] = []
    for number, line in lines:
        try:
            cells.append(next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)))
        except csv.Error as error:
            raise PulsarFileError(filename, number, None, line[:80], f"cells of a table ({error})") from error
    return cells


def _columns(header: list[str], filename: str, row: int) -> tuple[dict[str, int], list[str]]:
    """Where each wanted column stands, and the names of the rest."""
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header]
    wanted: dict[str, int] = {}
    for what, spellings in SPELLINGS.items():
        for spelling in spellings:
            if plain.count(spelling) > 1:
                name = header[plain.index(spelling)]
                raise PulsarFileError(filename, row, name, header, "each column once")
            if spelling in plain and what not in wanted:
                wanted[what] = plain.index(spelling)
    unused = [cell for place, cell in enumerate(header) if place not in wanted.values()]
    missing = [what for what in ("name", "right ascension", "declination") if what not in wanted]
    if missing:
        found = f"no column for {', '.join(missing)}; unknown: {', '.join(unused) or 'none'}"
        raise PulsarFileError(filename, row, None, found, COLUMNS)
    return wanted, unused
