"""What runs in processes of its own: nothing here is imported by the process that wants a verdict, except `wire`."""
