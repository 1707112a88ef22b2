"""The stream: Faust agents and producers, each a short loop over functions of `lake`."""
