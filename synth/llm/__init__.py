"""Language models as tools of a run: over HTTP, in process, as a batch, or a fake; with a cache, a ledger, a budget."""
