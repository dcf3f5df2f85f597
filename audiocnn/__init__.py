"""audiocnn: convnets that classify sound, with one set of scores wherever they run."""
