"""What the scenarios share: the daemon under test, fake providers, exact clients, a database."""
