"""Where bars come from: one module a source, all behind one Protocol."""
