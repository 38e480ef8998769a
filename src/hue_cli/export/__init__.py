"""From a trained run to an ONNX file that agrees with it, and into the released weights."""
