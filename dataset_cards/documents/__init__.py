"""The documents that people are asked for, all rendered from version.json and about.yaml."""
