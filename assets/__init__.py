"""anisoscope.assets."""

if __name__ != "anisoscope.assets":
    raise ImportError("import this package as anisoscope.assets, not as assets: a second copy of its modules would appear")
