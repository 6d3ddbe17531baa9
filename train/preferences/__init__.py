"""Learning from pairs and from single judgements: DPO and KTO."""
