"""Methods of finding levels, one module each; a module added here is found by itself."""
