"""Training: compiling a model, feeding it, running its steps."""
