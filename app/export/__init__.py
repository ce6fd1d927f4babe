"""Figures for papers, tables for further work, and the request that gives both again: one zip."""

from .bundle import FORMATS, WIDTHS_MM, export_bundle

__all__ = ["FORMATS", "WIDTHS_MM", "export_bundle"]
