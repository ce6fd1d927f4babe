"""The page's own components: dials, choices, readouts, status line, keyboard, notices."""

if __name__ != "anisoscope.app.shell":
    raise ImportError(
        "import this package as anisoscope.app.shell: a second copy of its modules would appear"
    )
