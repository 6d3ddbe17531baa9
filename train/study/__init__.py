"""Questions about models and their data: which data is better, which stage failed, what is known by heart."""
