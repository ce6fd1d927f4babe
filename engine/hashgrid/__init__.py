"""Multi-resolution hash encodings and their spatial kernel."""

if __name__ != "anisoscope.engine.hashgrid":
    raise ImportError(
        "import this package as anisoscope.engine.hashgrid: a second copy of its modules would appear"
    )
