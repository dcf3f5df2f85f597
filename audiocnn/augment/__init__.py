"""Changes made to training batches only, each with its random generator passed in."""
