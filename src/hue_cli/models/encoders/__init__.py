"""Encoders: a picture in, a list of feature maps out, finest first."""
