"""The kernel every part stands on: settings, models, errors, intake, store, logs, metrics, clock."""
