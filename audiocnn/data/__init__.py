"""Recordings and their labels: manifests, splits, and a corpus held in memory."""
