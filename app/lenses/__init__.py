"""One module or package per lens, named by its slug; each exports LENS."""
