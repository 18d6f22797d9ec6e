"""What `hookyard doctor` looks at: one file a subject, each check returns findings."""
