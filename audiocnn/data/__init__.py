"""Recordings and pictures with their labels: manifests, splits, and corpora that batches are drawn from."""
