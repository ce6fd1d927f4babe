"""anisoscope.engine."""

if __name__ != "anisoscope.engine":
    raise ImportError(
        "import this package as anisoscope.engine, not as engine: a second copy of its modules would appear"
    )
