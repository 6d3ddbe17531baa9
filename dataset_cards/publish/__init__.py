"""Publishing a version: to the Hugging Face Hub, to any fsspec address, or to a folder, and reading it back."""
