"""Photos to train on: where they lie, how they are decoded, cropped and shown to a network."""
